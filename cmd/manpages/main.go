// Command manpages writes the manual pages of a release.
package main

import (
	"flag"
	"fmt"
	"os"

	"github.com/deployrecords/deployrecords/internal/cli"
)

func main() {
	dir := flag.String("dir", "bin/man", "directory for the pages")
	version := flag.String("version", "dev", "version of the release")
	date := flag.String("date", "", "date of the release, as 2006-01-02")
	flag.Parse()
	if err := cli.WriteManual(*dir, *version, *date); err != nil {
		fmt.Fprintln(os.Stderr, "manpages:", err)
		os.Exit(1)
	}
}
