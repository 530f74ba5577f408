package config

import (
	"cmp"
	"fmt"
	"os"
	"strings"
)

// TracesProtocol returns the protocol by which traces are exported, grpc or http/protobuf, or "" if they are not. They are exported
// if OpenTelemetry's own variables name an endpoint or an exporter; its default, a collector on this machine, needs
// OTEL_TRACES_EXPORTER=otlp. The libraries of OpenTelemetry read the other variables.
func TracesProtocol() (protocol string, err error) {
	exporter := os.Getenv("OTEL_TRACES_EXPORTER")
	hasEndpoint := os.Getenv("OTEL_EXPORTER_OTLP_ENDPOINT") != "" || os.Getenv("OTEL_EXPORTER_OTLP_TRACES_ENDPOINT") != ""
	switch {
	case strings.EqualFold(os.Getenv("OTEL_SDK_DISABLED"), "true"), exporter == "none", exporter == "" && !hasEndpoint:
		return "", nil
	case exporter != "" && exporter != "otlp":
		return "", fmt.Errorf("OTEL_TRACES_EXPORTER: %q is neither otlp nor none", exporter)
	}
	name := "OTEL_EXPORTER_OTLP_TRACES_PROTOCOL"
	if os.Getenv(name) == "" {
		name = "OTEL_EXPORTER_OTLP_PROTOCOL"
	}
	protocol = cmp.Or(os.Getenv(name), "http/protobuf")
	if protocol != "grpc" && protocol != "http/protobuf" {
		return "", fmt.Errorf("%s: %q is neither grpc nor http/protobuf", name, protocol)
	}
	return protocol, nil
}
