package config

import (
	"errors"
	"fmt"
	"net"
)

// Monitoring has the settings of the listener for operators.
type Monitoring struct {
	MetricsListen string `name:"metrics-listen" env:"METRICS_LISTEN_ADDR" placeholder:"HOST:PORT" group:"Monitoring" help:"Address that serves metrics for Prometheus at /metrics, without a token; bind it where only the monitoring can connect. Without it, there are no metrics."`
	Profiles      Switch `name:"profiles" env:"PROFILES" default:"false" group:"Monitoring" help:"Serve profiles of Go at /debug/pprof/ of --metrics-listen. They show what the program works on: use it to troubleshoot."`
}

func (m *Monitoring) violations() (violations []error) {
	if m.MetricsListen != "" {
		violations = checkListenAddress("metrics-listen", m.MetricsListen)
	} else if m.Profiles.Value {
		violations = append(violations, errors.New("--profiles: needs --metrics-listen, the address that serves them"))
	}
	return violations
}

// checkListenAddress returns the violations of an address to listen on. Without a port, the system would choose one.
func checkListenAddress(flag, address string) []error {
	_, port, err := net.SplitHostPort(address)
	if err == nil && port == "" {
		err = errors.New("missing port in address")
	}
	if err == nil {
		_, err = net.ResolveTCPAddr("tcp", address)
	}
	if err != nil {
		return []error{fmt.Errorf("--%s: %q is not HOST:PORT with a port from 0 to 65535: %w", flag, address, addressError(err))}
	}
	return nil
}
