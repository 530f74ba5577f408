package specupdate

import (
	"testing"

	"github.com/deployrecords/deployrecords/internal/noracetest"
)

// These tests spend their time in programs that they start: git, oasdiff, the generator, the compiler and compiled tests.
func TestMain(m *testing.M) { noracetest.Main(m) }
