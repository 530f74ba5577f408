package sandbox

import (
	"bytes"
	"compress/gzip"
	"fmt"
	"io"
	"net/http"
	"sync/atomic"
	"time"

	"github.com/deployrecords/deployrecords/internal/api"
	"github.com/deployrecords/deployrecords/internal/fixture"
)

// maxRecordsBytes limits what the records of all sandboxes take.
const maxRecordsBytes = 1 << 30

// fullRetryAfter is the time after which a sandbox may have ended.
const fullRetryAfter = time.Second

// Budget counts the bytes that the records of several sandboxes take: their databases, and the files that a reset loads again. It
// is safe for concurrent use. A budget that is nil has no limit.
type Budget struct {
	limit int64
	held  atomic.Int64
}

// hold takes bytes until release is called, for an operation whose true size the database shows afterwards. It returns a 429 if
// the sandboxes would take more than the limit.
func (b *Budget) hold(bytes int64) (release func(), err error) {
	if b == nil {
		return func() {}, nil
	}
	if b.held.Add(bytes) <= b.limit {
		return func() { b.held.Add(-bytes) }, nil
	}
	held := b.held.Add(-bytes)
	return nil, &api.Problem{
		Status: http.StatusTooManyRequests, RetryAfter: fullRetryAfter,
		Message: fmt.Sprintf("the records of all sandboxes take %d MiB, and with these they may take more than the limit of %d MiB; "+
			"DELETE /sandboxes/{organization} of the control API ends a sandbox", held>>20, b.limit>>20),
	}
}

// holdFiles takes what the records of files take at most.
func (b *Budget) holdFiles(files ...fixture.File) (release func(), err error) {
	var size int64
	for _, file := range files {
		if b != nil {
			size += importBytes(file, b.limit)
		}
	}
	return b.hold(size)
}

// add takes bytes or, if they are negative, returns them.
func (b *Budget) add(bytes int64) {
	if b != nil {
		b.held.Add(bytes)
	}
}

// bytesPerText is about how many bytes of a database a byte of NDJSON takes at most, and bytesPerItem what a recording takes.
const (
	bytesPerText = 8
	bytesPerItem = 4 << 10
)

// importBytes returns about how many bytes the records of a file take at most, and more than the limit for a larger file.
func importBytes(file fixture.File, limit int64) int64 {
	size := int64(len(file.Data))
	if unzipped, err := gzip.NewReader(bytes.NewReader(file.Data)); err == nil {
		size, _ = io.Copy(io.Discard, io.LimitReader(unzipped, limit/bytesPerText+1)) // the import reports an error
	}
	return size * bytesPerText
}
