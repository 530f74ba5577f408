package contract_test

import (
	"testing"

	"github.com/deployrecords/deployrecords/internal/noracetest"
)

func TestMain(m *testing.M) { noracetest.Main(m) }
