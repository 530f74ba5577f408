package client

import (
	"errors"
	"runtime"
	"strings"
	"testing"
)

// A server that sends as much as the suite reads does not make it take many times as much memory.
func TestReadJSONLimitsTheNumberOfValues(t *testing.T) {
	const limit = 1 << 30 // of everything that is allocated, garbage included
	for name, body := range map[string]string{
		"empty objects": "[" + strings.Repeat("{},", maxBody/3-10) + "{}]",
		"members":       "{" + strings.Repeat(`"":0,`, maxBody/5-10) + `"":0}`,
		"lists":         "[" + strings.Repeat("[[]],", maxBody/5-10) + "[]]",
	} {
		var before, after runtime.MemStats
		runtime.ReadMemStats(&before)
		_, err := ReadJSON([]byte(body))
		runtime.ReadMemStats(&after)
		if !errors.Is(err, errTooManyValues) {
			t.Errorf("%s: got %v", name, err)
		}
		if took := after.TotalAlloc - before.TotalAlloc; took > limit {
			t.Errorf("%s: allocated %d MiB", name, took>>20)
		}
	}
}
