package cli

import (
	"bytes"
	"compress/gzip"
	"errors"
	"os"
	"path/filepath"
	"strings"

	"github.com/alecthomas/kong"

	"github.com/deployrecords/deployrecords/internal/manpage"
)

// WriteManual writes the manual pages of the program and its commands into a directory, which it creates. The pages are
// compressed, as man reads them. The version and the date, as 2006-01-02, are those of the release.
func WriteManual(dir, version, date string) error {
	program := newParser(Streams{}).Model.Node
	manual := manpage.Manual{
		Program: program, Version: version, Date: date, Help: helpWithDefault,
		Usage: func(command *kong.Node) string {
			if command == program {
				return program.Name + " <command> [flags]"
			}
			usage := program.Name + " " + command.Summary()
			if choice := requiredChoice(command); choice != "" {
				usage = strings.Replace(usage, " [flags]", " "+choice+" [flags]", 1)
			}
			return usage
		},
	}
	if err := os.MkdirAll(dir, 0o755); err != nil {
		return err
	}
	for name, text := range manual.Pages() {
		if err := writeCompressed(filepath.Join(dir, name+".gz"), text); err != nil {
			return err
		}
	}
	return nil
}

// writeCompressed writes a gzip file. The same text gives the same bytes.
func writeCompressed(path, text string) error {
	var file bytes.Buffer
	zipped, err := gzip.NewWriterLevel(&file, gzip.BestCompression)
	if err != nil {
		return err
	}
	_, err = zipped.Write([]byte(text))
	if err := errors.Join(err, zipped.Close()); err != nil {
		return err
	}
	return os.WriteFile(path, file.Bytes(), 0o644)
}
