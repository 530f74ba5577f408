package openapi

import (
	"fmt"
	"net/http"
)

const idempotencyKey = "Idempotency-Key"

// checkIdempotencyKey checks the one header that operations read.
func checkIdempotencyKey(header http.Header) []string {
	values := header.Values(idempotencyKey)
	if len(values) > 1 {
		return []string{fmt.Sprintf("%s: is given %d times", idempotencyKey, len(values))}
	}
	for _, value := range values {
		if value == "" || len(value) > 128 {
			return []string{idempotencyKey + ": does not have 1 to 128 characters"}
		}
		for _, c := range []byte(value) {
			if c < 0x20 || c > 0x7e {
				return []string{idempotencyKey + ": has a character that is not printable ASCII"}
			}
		}
	}
	return nil
}
