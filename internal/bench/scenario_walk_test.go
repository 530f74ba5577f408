package bench

import (
	"fmt"
	"net/http"
	"strings"
	"testing"
	"time"
)

func TestWalkReadsEveryRecordOrStopsAtItsMaximumDuration(t *testing.T) {
	missing := false
	s := serverOf(t, func(w http.ResponseWriter, r *http.Request) {
		if r.URL.Query().Get("full_history") != "true" || r.URL.Query().Get("pagination.page_size") != "100" {
			t.Errorf("unexpected request for %s", r.URL)
		}
		count := 100
		if page := r.URL.Query().Get("pagination.page"); page == "4" {
			count = 50
		} else if page == "2" && missing {
			count = 99
		}
		time.Sleep(10 * time.Millisecond)
		fmt.Fprintf(w, `{"deployment_records":[%s],"pagination":{"total_count":450,"total_pages":5}}`,
			strings.TrimSuffix(strings.Repeat(`{"last_seen_at":""},`, count), ","))
	})
	walked, duration, err := s.walk(t.Context(), time.Hour)
	if err != nil || walked != 450 || duration < 0.05 {
		t.Errorf("walked %d in %v s, %v", walked, duration, err)
	}
	walked, duration, err = s.walk(t.Context(), 15*time.Millisecond)
	if err != nil || walked == 0 || walked >= 450 || duration < 0.015 {
		t.Errorf("out of time: walked %d in %v s, %v", walked, duration, err)
	}
	missing = true
	if walked, _, err = s.walk(t.Context(), time.Hour); err == nil || !strings.Contains(err.Error(), "449 records of 450") {
		t.Errorf("one record missing: walked %d, %v", walked, err)
	}
}
