// Package sqlitefile creates the file of an SQLite database, and notices that it is no longer usable: SQLite itself continues
// to write to a file that was deleted or replaced, and nobody could read that after a restart.
package sqlitefile

import (
	"context"
	"database/sql/driver"
	"errors"
	"fmt"
	"io/fs"
	"os"
	"sync"
	"sync/atomic"
	"time"

	"modernc.org/sqlite"
	sqlite3 "modernc.org/sqlite/lib"

	"github.com/deployrecords/deployrecords/internal/deployments"
)

// File is the file of an open database. The nil File is that of a database without one.
type File struct {
	path   string
	opened fs.FileInfo
	// checked is when Check last succeeded, in nanoseconds since 1970.
	checked atomic.Int64
	// malformed is the first error by which SQLite reported that the content is no database.
	malformed atomic.Pointer[sqlite.Error]
}

// creating lets one goroutine create a file. When a process closes a file, it loses all locks that it has on it, so no other
// goroutine may have opened the file with SQLite meanwhile.
var creating sync.Mutex

// Open returns the file of a path. It creates an empty file, which only the user can read, if there is none. SQLite creates the
// files beside it with the same rights.
func Open(path string) (*File, error) {
	creating.Lock()
	defer creating.Unlock()
	if _, err := os.Stat(path); errors.Is(err, fs.ErrNotExist) {
		created, err := os.OpenFile(path, os.O_RDWR|os.O_CREATE, 0o600)
		if err != nil {
			return nil, err
		}
		if err := created.Close(); err != nil {
			return nil, err
		}
	}
	opened, err := os.Stat(path)
	return &File{path: path, opened: opened}, err
}

// Check returns a deployments.ErrUnavailable if the path does not have the file that was opened, or if its content is
// malformed. It succeeds again when the file is back, and never after a malformed content.
func (f *File) Check() error {
	if f == nil {
		return nil
	}
	if malformed := f.malformed.Load(); malformed != nil {
		return f.unusable(malformed.Error())
	}
	now, err := os.Stat(f.path)
	switch {
	case errors.Is(err, fs.ErrNotExist):
		return f.unusable("the file was deleted")
	case err != nil:
		return f.unusable(err.Error())
	case !os.SameFile(f.opened, now):
		return f.unusable("another file has replaced it")
	}
	f.checked.Store(time.Now().UnixNano())
	return nil
}

func (f *File) unusable(reason string) error {
	return fmt.Errorf("%w: %s: %s", deployments.ErrUnavailable, f.path, reason)
}

// maxAge is how long CheckRecently relies on an earlier Check.
const maxAge = 500 * time.Millisecond

// CheckRecently is Check for reads: it may miss what has happened in the last half second.
func (f *File) CheckRecently() error {
	if f == nil || f.malformed.Load() == nil && time.Now().UnixNano()-f.checked.Load() < int64(maxAge) {
		return nil
	}
	return f.Check()
}

// Note notes an error of a statement by which SQLite reports that the content is malformed.
func (f *File) Note(err error) {
	var malformed *sqlite.Error
	if f != nil && errors.As(err, &malformed) && IsMalformed(malformed) {
		f.malformed.CompareAndSwap(nil, malformed)
	}
}

// IsMalformed reports whether the error is about the content of the file.
func IsMalformed(err *sqlite.Error) bool {
	code := err.Code() & 0xff // without the bits of extended codes
	return code == sqlite3.SQLITE_CORRUPT || code == sqlite3.SQLITE_NOTADB
}

// Connector opens connections to the file by the name, and none to another file at the same path.
func (f *File) Connector(name string) driver.Connector { return connector{f, name} }

type connector struct {
	file *File
	name string
}

// Connect implements driver.Connector.
func (c connector) Connect(context.Context) (driver.Conn, error) {
	conn, err := c.Driver().Open(c.name)
	if err != nil {
		return nil, err
	}
	if err := c.file.Check(); err != nil {
		_ = conn.Close()
		return nil, err
	}
	return conn, nil
}

// Driver implements driver.Connector.
func (connector) Driver() driver.Driver { return &sqlite.Driver{} }
