package openapi

import (
	"context"
	"errors"
	"io"
	"net/http"
	"net/http/httptest"
	"strings"
	"testing"

	"github.com/deployrecords/deployrecords/internal/api"
	"github.com/deployrecords/deployrecords/internal/contract"
)

func TestBodiesThatAreNotJSONTakeTheirBytesOfTheBudget(t *testing.T) {
	checker, err := NewChecker(contract.ControlOpenAPI(), 30)
	if err != nil {
		t.Fatal(err)
	}
	// read reads a body of 10 bytes. Bodies may take half of the budget.
	read := func(ctx context.Context) error {
		r := httptest.NewRequestWithContext(ctx, http.MethodPost, "/sandboxes", strings.NewReader("0123456789"))
		r.Header.Set("Content-Type", "application/x-ndjson")
		checked, err := checker.Check(r)
		if err != nil {
			t.Fatal(err)
		}
		_, err = io.ReadAll(checked.Body)
		return err
	}
	running, end := context.WithCancel(t.Context())
	if err := read(running); err != nil {
		t.Fatal(err)
	}
	if problem, ok := errors.AsType[*api.Problem](read(t.Context())); !ok || problem.Status != http.StatusServiceUnavailable {
		t.Errorf("while another body takes the budget: got %v", problem)
	}
	end()
	for range 1000 { // the end of a context has its effect in a goroutine
		if err = read(running); err == nil {
			return
		}
	}
	t.Errorf("after the request ended: %v", err)
}
