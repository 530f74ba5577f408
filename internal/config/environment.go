package config

import (
	"fmt"
	"os"
	"reflect"
	"strings"
	"unicode"
)

// TrimEnvironment removes the line breaks at the end of every environment variable, for this package and for libraries
// that read the environment. Files of secrets often end with one, and files of variables may end their lines with CRLF.
func TrimEnvironment() {
	for _, entry := range os.Environ() {
		name, value, _ := strings.Cut(entry, "=")
		if trimmed := strings.TrimRight(value, "\r\n"); trimmed != value {
			_ = os.Setenv(name, trimmed)
		}
	}
}

// checkText returns a violation of the flag if a text has a control character. It does not quote the text, which may be
// secret.
func checkText(flag string, field reflect.Value) error {
	for _, text := range texts(field) {
		if at := strings.IndexFunc(text, unicode.IsControl); at >= 0 {
			return fmt.Errorf("--%s: has the control character %U", flag, []rune(text[at:])[0])
		}
	}
	return nil
}

// texts returns the texts of a field that is a string, a list of strings or a pointer to a string.
func texts(field reflect.Value) []string {
	if field.Kind() == reflect.Pointer && !field.IsNil() {
		field = field.Elem()
	}
	if field.Kind() == reflect.String {
		return []string{field.String()}
	}
	list, _ := reflect.TypeAssert[[]string](field)
	return list
}
