package demo_test

import (
	"testing"

	"github.com/deployrecords/deployrecords/internal/racetest"
)

// These tests generate long histories in one goroutine.
func TestMain(m *testing.M) { racetest.SkipPackage(m) }
