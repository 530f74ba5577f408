package importer_test

import (
	"bytes"
	"compress/gzip"
	"errors"
	"fmt"
	"io"
	"slices"
	"strings"
	"testing"
	"testing/iotest"

	"github.com/deployrecords/deployrecords/internal/importer"
)

const maxLine = 1 << 20

// padded returns a record with leading spaces, of the given length in total.
func padded(length int) string {
	return strings.Repeat(" ", length-len(record())) + record()
}

func zip(text string) []byte {
	var out bytes.Buffer
	w := gzip.NewWriter(&out)
	if _, err := io.WriteString(w, text); err != nil {
		panic(err)
	}
	if err := w.Close(); err != nil {
		panic(err)
	}
	return out.Bytes()
}

// wantLines reads the file in pieces of several sizes, plain and gzipped, and checks the lines of the entries and the
// violations.
func wantLines(t *testing.T, text string, wantEntries []int, wantViolations ...string) {
	t.Helper()
	for how, r := range map[string]io.Reader{
		"whole":        strings.NewReader(text),
		"halves":       iotest.HalfReader(strings.NewReader(text)),
		"data and EOF": iotest.DataErrReader(strings.NewReader(text)),
		"zipped":       bytes.NewReader(zip(text)),
		"in members":   io.MultiReader(bytes.NewReader(zip(text[:len(text)/2])), bytes.NewReader(zip("")), bytes.NewReader(zip(text[len(text)/2:]))),
	} {
		entries, violations, err := read(t, r)
		var at []int
		for _, e := range entries {
			at = append(at, e.Line)
		}
		if err != nil || !slices.Equal(at, wantEntries) || !slices.Equal(violations, wantViolations) {
			t.Errorf("%s: got entries on lines %d, violations %q, %v; want %d, %q", how, at, violations, err, wantEntries, wantViolations)
		}
	}
}

func TestI1_AnyLineBreakEndsALineAndBlankLinesAreSkipped(t *testing.T) {
	wantLines(t, "", nil)
	wantLines(t, "\n", nil)
	wantLines(t, "\r\n \t\r\n\n", nil)
	wantLines(t, record(), []int{1})
	wantLines(t, record()+"\n", []int{1})
	wantLines(t, record()+"\r\n"+record()+"\r\n", []int{1, 2})
	wantLines(t, record()+"\r", []int{1})
	wantLines(t, "\n\n"+record()+"\n \t \r\n\n\t"+record()+" \t\n ", []int{3, 6})
	wantLines(t, record()+"\n\f\n\u00a0\n"+record(), []int{1, 4},
		`line 2: is not JSON: invalid character '\f' at start of value, at byte 1 of the line`,
		`line 3: is not JSON: invalid character '\u00a0' at start of value, at byte 1 of the line`)
	// One reading by single bytes is enough.
	if entries, violations, err := read(t, iotest.OneByteReader(strings.NewReader("\ufeff"+record()+"\r\n\n"+record()))); len(entries) != 2 || len(violations) > 0 || err != nil {
		t.Errorf("got %+v, %v, %v", entries, violations, err)
	}
}

func TestAByteOrderMarkIsSkippedAtTheStartOnly(t *testing.T) {
	wantLines(t, "\ufeff"+record()+"\n"+record(), []int{1, 2})
	wantLines(t, "\ufeff", nil)
	wantLines(t, "\ufeff\n"+record(), []int{2})
	bad := ` is not JSON: invalid character '\ufeff' at start of value, at byte 1 of the line`
	wantLines(t, "\ufeff\ufeff"+record()+"\n"+record(), []int{2}, "line 1:"+bad)
	wantLines(t, record()+"\n\ufeff"+record(), []int{1}, "line 2:"+bad)
	wantLines(t, "\xef\xbb", nil, `line 1: is not JSON: invalid character '\xef' at start of value, at byte 1 of the line`)
}

func TestI4_ALineOverOneMiBIsAViolationAndReadingContinues(t *testing.T) {
	long := func(line int) string { return fmt.Sprintf("line %d: has more than 1048576 bytes", line) }
	for _, end := range []string{"\n", "\r\n", ""} {
		wantLines(t, padded(maxLine)+end, []int{1})
		wantLines(t, padded(maxLine+1)+end, nil, long(1))
	}
	wantLines(t, record()+"\n"+padded(maxLine)+"\r\n"+padded(maxLine+1)+"\n"+strings.Repeat("x", 3<<20)+"\n"+record()+"\n"+strings.Repeat(" ", maxLine+1)+"\n"+record(),
		[]int{1, 2, 5, 7}, long(3), long(4), long(6))
}

func TestI4_AReadErrorEndsTheEntriesWithItsLine(t *testing.T) {
	disk := errors.New("the disk is gone")
	zipped := zip(record() + "\n" + strings.Repeat(record()+"\n", 5000))
	wrongSum := slices.Clone(zip(record() + "\n"))
	wrongSum[len(wrongSum)-8] ^= 1
	for _, c := range []struct {
		name    string
		r       io.Reader
		entries int
		want    string
		is      error
	}{
		{"at once", iotest.ErrReader(disk), 0, "line 1 could not be read: the disk is gone", disk},
		{"between lines", io.MultiReader(strings.NewReader(record()+"\n"), iotest.ErrReader(disk)), 1, "line 2 could not be read: the disk is gone", disk},
		{"in a line that could be whole", io.MultiReader(strings.NewReader(record()+"\n"+record()), iotest.ErrReader(disk)), 1, "line 2 could not be read: the disk is gone", disk},
		{"in a long line", io.MultiReader(strings.NewReader(strings.Repeat("x", 2<<20)), iotest.ErrReader(disk)), 0, "line 1 could not be read: the disk is gone", disk},
		{"gzip cut in its header", bytes.NewReader(zipped[:5]), 0, "line 1 could not be read: the gzip stream breaks off: unexpected EOF", io.ErrUnexpectedEOF},
		{"gzip's magic bytes alone", bytes.NewReader(zipped[:2]), 0, "line 1 could not be read: the gzip stream breaks off: unexpected EOF", io.ErrUnexpectedEOF},
		{"gzip cut in its sum", bytes.NewReader(zip(record() + "\n")[:len(zip(record()+"\n"))-1]), 1, "line 2 could not be read: the gzip stream breaks off: unexpected EOF", io.ErrUnexpectedEOF},
		{"gzip with a wrong sum", bytes.NewReader(wrongSum), 1, "line 2 could not be read: gzip: invalid checksum", gzip.ErrChecksum},
		{"gzip and something else", io.MultiReader(bytes.NewReader(zip(record()+"\n")), strings.NewReader(record()+"\n")), 1, "line 2 could not be read: the gzip stream is followed by something else, or has a bad header: gzip: invalid header", gzip.ErrHeader},
		{"gzip of another method", strings.NewReader("\x1f\x8b\x00\x00\x00\x00\x00\x00\x00\x00\x00"), 0, "line 1 could not be read: the gzip stream is followed by something else, or has a bad header: gzip: invalid header", gzip.ErrHeader},
	} {
		t.Run(c.name, func(t *testing.T) {
			entries, violations, err := read(t, c.r)
			var broken *importer.ReadError
			if len(entries) != c.entries || len(violations) > 0 || !errors.As(err, &broken) || err.Error() != c.want || !errors.Is(err, c.is) {
				t.Errorf("got %d entries, %q, %v", len(entries), violations, err)
			}
		})
	}
	t.Run("gzip cut in the middle", func(t *testing.T) {
		entries, violations, err := read(t, bytes.NewReader(zipped[:len(zipped)/2]))
		want := fmt.Sprintf("line %d could not be read: the gzip stream breaks off: unexpected EOF", len(entries)+1)
		if len(entries) < 100 || len(violations) > 0 || err == nil || err.Error() != want {
			t.Errorf("got %d entries, %q, %v", len(entries), violations, err)
		}
	})
}
