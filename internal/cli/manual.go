package cli

import (
	"os"
	"path/filepath"
	"strings"

	"github.com/alecthomas/kong"

	"github.com/deployrecords/deployrecords/internal/manpage"
)

// WriteManual writes the manual pages of the program and its commands into a directory, which it creates. The version and the
// date, as 2006-01-02, are those of the release.
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
		if err := os.WriteFile(filepath.Join(dir, name), []byte(text), 0o644); err != nil {
			return err
		}
	}
	return nil
}
