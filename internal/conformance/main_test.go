package conformance_test

import (
	"testing"

	"github.com/deployrecords/deployrecords/internal/noracetest"
)

// These tests send thousands of requests to each of more than a hundred servers, one at a time.
func TestMain(m *testing.M) { noracetest.Main(m) }
