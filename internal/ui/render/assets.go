package render

import (
	"bytes"
	"crypto/sha256"
	"embed"
	"encoding/hex"
	"io/fs"
	"net/http"
	"path"
	"strings"
	"time"
)

//go:embed assets templates
var files embed.FS

// Assets are the style sheet, the script and the icon. Their names have a digest of their content, so that browsers may keep them.
type Assets struct {
	content map[string][]byte // by hashed name
	hashed  map[string]string
}

func readAssets() (Assets, error) {
	a := Assets{content: map[string][]byte{}, hashed: map[string]string{}}
	entries, err := fs.ReadDir(files, "assets")
	if err != nil {
		return a, err
	}
	for _, entry := range entries {
		text, err := files.ReadFile("assets/" + entry.Name())
		if err != nil {
			return a, err
		}
		sum := sha256.Sum256(text)
		extension := path.Ext(entry.Name())
		name := strings.TrimSuffix(entry.Name(), extension) + "." + hex.EncodeToString(sum[:8]) + extension
		a.content[name], a.hashed[entry.Name()] = text, name
	}
	return a, nil
}

// Path returns the path of an asset.
func (a Assets) Path(name string) string { return "/assets/" + a.hashed[name] }

// ServeHTTP serves an asset by its hashed name.
func (a Assets) ServeHTTP(w http.ResponseWriter, r *http.Request) {
	name := path.Base(r.URL.Path)
	text, ok := a.content[name]
	if !ok {
		http.Error(w, "there is nothing at this path", http.StatusNotFound)
		return
	}
	w.Header().Set("Cache-Control", "public, max-age=31536000, immutable")
	w.Header().Del("Vary")
	http.ServeContent(w, r, name, time.Time{}, bytes.NewReader(text))
}
