package main

import (
	"bytes"
	"encoding/pem"
	"fmt"

	"golang.org/x/crypto/x509roots/fallback/bundle"
)

// authorities returns the certificate authorities that browsers trust, as PEM. They come from a module and not from this
// machine, so that the same commit gives the same image. Browsers trust some authorities for certain certificates only, such
// as those issued before a date. A file cannot express that, and lacks these authorities.
func authorities() ([]byte, error) {
	var file bytes.Buffer
	for root := range bundle.Roots() {
		if root.Constraint != nil {
			continue
		}
		if err := pem.Encode(&file, &pem.Block{Type: "CERTIFICATE", Bytes: root.Certificate}); err != nil {
			return nil, fmt.Errorf("certificate authorities: %w", err)
		}
	}
	return file.Bytes(), nil
}
