package importer_test

import (
	"io"
	"testing"

	"github.com/deployrecords/deployrecords/internal/importer"
	"github.com/deployrecords/deployrecords/internal/storetest"
)

// BenchmarkEntries reads lines of an export.
func BenchmarkEntries(b *testing.B) {
	line, err := importer.AppendLine(nil, storetest.Entry(1, 1, "prod-eu-1", "checkout",
		storetest.WithStage("production"), storetest.WithIDs("acme"), storetest.WithProject("storefront", "v1.4")))
	if err != nil {
		b.Fatal(err)
	}
	b.SetBytes(int64(len(line)))
	b.ReportAllocs()
	read := 0
	for _, err := range importer.Entries(repeated(line, b.N), clock) {
		if err != nil {
			b.Fatal(err)
		}
		read++
	}
	if read != b.N {
		b.Fatalf("read %d of %d entries", read, b.N)
	}
}

// repeated returns a stream that repeats the same bytes, without holding it in memory.
func repeated(piece []byte, times int) io.Reader {
	return &repeater{piece: piece, times: times}
}

type repeater struct {
	piece, rest []byte
	times       int
	every       func() // called before each repetition, if set
}

func (r *repeater) Read(p []byte) (int, error) {
	if len(r.rest) == 0 {
		if r.times == 0 {
			return 0, io.EOF
		}
		r.times--
		r.rest = r.piece
		if r.every != nil {
			r.every()
		}
	}
	n := copy(p, r.rest)
	r.rest = r.rest[n:]
	return n, nil
}
