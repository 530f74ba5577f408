package cli

import "github.com/deployrecords/deployrecords/internal/ui"

// pages returns the options of the pages, or nil without pages.
func (c *serveCommand) pages() (*ui.Options, error) {
	if !c.UI.Value {
		return nil, nil
	}
	secrets, err := readSecretFile("ui-key-file", c.UIKeyFile)
	return &ui.Options{SessionSecrets: secrets}, err
}
