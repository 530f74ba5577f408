package config

import (
	"log/slog"
	"reflect"
	"strings"
)

// LogValue implements slog.LogValuer: the database, and the settings that differ from their defaults, without secrets.
func (s *Serve) LogValue() slog.Value {
	database := RedactURL(s.Database.URL)
	if s.InMemory.Value {
		database = "in memory"
	}
	attrs := []slog.Attr{slog.String("database", database)}
	if s.HMACSecret() != "" {
		attrs = append(attrs, slog.Bool("jwt_hmac_secret", true))
	}
	if s.OIDC.ClientSecret() != "" {
		attrs = append(attrs, slog.Bool("oidc_client_secret", true))
	}
	for _, attr := range changed(s.effective()) {
		if attr.Key != "database_url" && attr.Key != "memory" { // logged as database
			attrs = append(attrs, attr)
		}
	}
	return slog.GroupValue(attrs...)
}

// changed returns the settings of a struct, and of the structs in it, that differ from their defaults. Their keys are the
// names of the flags with underscores.
func changed(settings any) (attrs []slog.Attr) {
	for field, value := range reflect.ValueOf(settings).Elem().Fields() {
		key := strings.ReplaceAll(field.Tag.Get("name"), "-", "_")
		if s, ok := reflect.TypeAssert[interface{ change() (any, bool) }](value.Addr()); ok {
			if given, ok := s.change(); ok {
				attrs = append(attrs, slog.Any(key, given))
			}
			continue
		}
		switch value.Kind() {
		case reflect.Struct:
			attrs = append(attrs, changed(value.Addr().Interface())...)
		case reflect.String:
			if text := value.String(); text != field.Tag.Get("default") {
				attrs = append(attrs, slog.String(key, redact(text)))
			}
		default:
			if !value.IsZero() {
				attrs = append(attrs, slog.Any(key, value.Interface()))
			}
		}
	}
	return attrs
}

// redact removes the secrets of a URL: a password, and the query, in which some issuers expect an API key.
func redact(text string) string {
	if !strings.Contains(text, "://") {
		return text
	}
	text, _, _ = strings.Cut(RedactURL(text), "?")
	return text
}
