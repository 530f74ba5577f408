package demo_test

import (
	"testing"

	"github.com/deployrecords/deployrecords/internal/noracetest"
)

// These tests generate long histories in one goroutine.
func TestMain(m *testing.M) { noracetest.Main(m) }
