package journal

import (
	"strings"
	"testing"
)

func TestJournalsShareABudget(t *testing.T) {
	const perJournal = 60 << 20 / maxBody
	var budget Budget
	journals := make([]Journal, 6)
	body := strings.Repeat("x", maxBody) // all exchanges share its memory
	for i := range journals {
		journals[i].Budget = &budget
		for range perJournal {
			journals[i].add(&Exchange{Body: body}, 0)
		}
	}
	if held := budget.held.Load(); held > maxShared+int64(len(journals))*2*maxBody || held < maxShared-2*maxBody {
		t.Errorf("the journals hold %d bytes", held)
	}
	last := &journals[len(journals)-1]
	if found := journals[0].Find(Filter{}, 0); found.Count != perJournal || last.Find(Filter{}, 0).Count != 1 {
		t.Errorf("the first has %d exchanges, the last %d", found.Count, last.Find(Filter{}, 0).Count)
	}
	for i := range journals[:5] {
		journals[i].Clear()
	}
	last.add(&Exchange{Body: body}, 0)
	if found := last.Find(Filter{}, 0); found.Count != 2 {
		t.Errorf("after the others were cleared: %d exchanges", found.Count)
	}
	last.Clear()
	if held := budget.held.Load(); held != 0 {
		t.Errorf("empty journals hold %d bytes", held)
	}
}
