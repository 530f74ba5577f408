package sqlitefile_test

import (
	"bytes"
	"errors"
	"io/fs"
	"log/slog"
	"os"
	"path/filepath"
	"runtime"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/deployrecords/deployrecords/internal/deployments"
	"github.com/deployrecords/deployrecords/internal/store"
	"github.com/deployrecords/deployrecords/internal/storetest"
)

// eventually waits until something has happened.
func eventually(t *testing.T, what string, happened func() bool) {
	t.Helper()
	for giveUp := time.Now().Add(time.Minute); !happened(); time.Sleep(10 * time.Millisecond) {
		if time.Now().After(giveUp) {
			t.Fatal("not within a minute: " + what)
		}
	}
}

// open opens a store on a new file with one record, with the background tasks of a server.
func open(t *testing.T) (s *store.Store, path string, log *lockedBuffer) {
	path = filepath.Join(t.TempDir(), "x.db")
	s, log = storetest.Open(t, "sqlite://"+path), &lockedBuffer{}
	done := make(chan struct{})
	go func() {
		defer close(done)
		s.RunBackground(t.Context(), slog.New(slog.NewTextHandler(log, nil)))
	}()
	t.Cleanup(func() { <-done })
	if err := storetest.RecordImage(s, 1, "eu", "first"); err != nil {
		t.Fatal(err)
	}
	return s, path, log
}

type lockedBuffer struct {
	mu   sync.Mutex
	text bytes.Buffer
}

func (b *lockedBuffer) Write(p []byte) (int, error) {
	b.mu.Lock()
	defer b.mu.Unlock()
	return b.text.Write(p)
}

func (b *lockedBuffer) String() string {
	b.mu.Lock()
	defer b.mu.Unlock()
	return b.text.String()
}

// move moves the file, which Windows does not allow while it is open.
func move(t *testing.T, from, to string) {
	t.Helper()
	if runtime.GOOS == "windows" {
		t.Skip("an open file cannot be moved")
	}
	for _, suffix := range []string{"", "-wal", "-shm"} {
		if err := os.Rename(from+suffix, to+suffix); err != nil {
			t.Fatal(err)
		}
	}
}

func requireUnusable(t *testing.T, s *store.Store, deployment string) {
	t.Helper()
	if err := storetest.RecordImage(s, 1, "eu", deployment); !errors.Is(err, deployments.ErrUnavailable) {
		t.Errorf("a recording: got %v", err)
	}
	if err := s.Ready(t.Context()); !errors.Is(err, deployments.ErrUnavailable) {
		t.Errorf("ready: got %v", err)
	}
	eventually(t, "listings fail", func() bool {
		_, err := s.List(t.Context(), storetest.Acme, deployments.Query{Page: deployments.Page{Size: 1}})
		return errors.Is(err, deployments.ErrUnavailable)
	})
}

func TestAFileThatIsMovedAwayAndBack(t *testing.T) {
	t.Parallel()
	s, path, log := open(t)
	away := filepath.Join(filepath.Dir(path), "away.db")
	move(t, path, away)
	requireUnusable(t, s, "lost")
	eventually(t, "the log has a line", func() bool { return strings.Contains(log.String(), "the file was deleted") })
	move(t, away, path)
	if err := storetest.RecordImage(s, 1, "eu", "second"); err != nil {
		t.Error(err)
	}
	if err := s.Ready(t.Context()); err != nil {
		t.Error(err)
	}
	if got := storetest.Ask(t, s, storetest.Acme, deployments.Query{}).Total; got != 2 {
		t.Errorf("%d slots: what was not acknowledged is not there", got)
	}
	eventually(t, "the log has a second line", func() bool { return strings.Contains(log.String(), "usable again") })
	if lines := strings.Count(log.String(), "\n"); lines != 2 {
		t.Errorf("the log has %d lines: %s", lines, log)
	}
}

func TestAFileThatAnotherOneReplaces(t *testing.T) {
	t.Parallel()
	s, path, log := open(t)
	other := filepath.Join(t.TempDir(), "x.db")
	if err := storetest.RecordImage(storetest.Open(t, "sqlite://"+other), 1, "eu", "other"); err != nil {
		t.Fatal(err)
	}
	move(t, path, filepath.Join(filepath.Dir(path), "away.db"))
	data, err := os.ReadFile(other)
	if err != nil {
		t.Fatal(err)
	}
	if err := os.WriteFile(path, data, 0o600); err != nil {
		t.Fatal(err)
	}
	requireUnusable(t, s, "lost")
	eventually(t, "the log has a line", func() bool { return strings.Contains(log.String(), "another file has replaced it") })
	if now, err := os.ReadFile(path); err != nil || !bytes.Equal(now, data) {
		t.Errorf("the other file has changed, %v", err)
	}
}

func TestAMalformedFile(t *testing.T) {
	t.Parallel()
	s, path, log := open(t)
	info, err := os.Stat(path)
	if err != nil {
		t.Fatal(err)
	}
	for _, name := range []string{path, path + "-wal"} { // in place: the files are the same
		if err := os.WriteFile(name, bytes.Repeat([]byte("garbage "), 1<<17), 0o600); err != nil {
			t.Fatal(err)
		}
	}
	eventually(t, "a request reads the garbage", func() bool {
		_ = storetest.RecordImage(s, 1, "eu", "lost")
		return s.Ready(t.Context()) != nil
	})
	requireUnusable(t, s, "lost")
	eventually(t, "the log has a line", func() bool { return strings.Contains(log.String(), "not usable") })
	if now, err := os.Stat(path); err != nil || !os.SameFile(info, now) {
		t.Errorf("another file is at the path, %v", err)
	}
}

// The inventory is not for other users of the machine. SQLite gives the files beside it the same rights.
func TestANewFileIsForItsUserAlone(t *testing.T) {
	t.Parallel()
	if runtime.GOOS == "windows" {
		t.Skip("Windows has no such rights")
	}
	_, path, _ := open(t)
	for _, suffix := range []string{"", "-wal", "-shm"} {
		if info, err := os.Stat(path + suffix); err != nil || info.Mode() != 0o600 {
			t.Errorf("x.db%s: %v, %v", suffix, info.Mode(), err)
		}
	}
	existing := filepath.Join(t.TempDir(), "y.db")
	if err := os.WriteFile(existing, nil, 0o640); err != nil {
		t.Fatal(err)
	}
	if err := os.Chmod(existing, 0o640); err != nil {
		t.Fatal(err)
	}
	if err := storetest.RecordImage(storetest.Open(t, "sqlite://"+existing), 1, "eu", "api"); err != nil {
		t.Fatal(err)
	}
	for _, suffix := range []string{"", "-wal", "-shm"} {
		if info, err := os.Stat(existing + suffix); err != nil || info.Mode() != fs.FileMode(0o640) {
			t.Errorf("y.db%s: %v, %v", suffix, info.Mode(), err)
		}
	}
}
