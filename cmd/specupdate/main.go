// Command specupdate updates this repository to upstream's next document. Maintainers run it with
// make spec-update FROM=path-or-https-URL; it is not part of the server.
package main

import (
	"context"
	"flag"
	"fmt"
	"os"
	"os/signal"
	"syscall"

	"github.com/deployrecords/deployrecords/internal/specupdate"
)

func main() {
	from := flag.String("from", "", "the new document: a path or an https URL")
	flag.Parse()
	if *from == "" || flag.NArg() > 0 {
		fmt.Fprintln(os.Stderr, "usage: make spec-update FROM=path-or-https-URL")
		os.Exit(2)
	}
	ctx, stop := signal.NotifyContext(context.Background(), os.Interrupt, syscall.SIGTERM)
	err := specupdate.Run(ctx, specupdate.Options{Dir: ".", From: *from, Output: os.Stdout})
	stop()
	if err != nil {
		fmt.Fprintf(os.Stderr, "\nspec-update: %v\n", err)
		os.Exit(1)
	}
}
