package document

import (
	"bytes"
	"encoding/json"
	"fmt"

	"go.yaml.in/yaml/v3"
)

// parseJSON returns the root of a valid JSON document. YAML parsers do not read all of JSON: they reject \/, surrogate pairs
// and tabs. Lines are those of the document.
func parseJSON(document []byte) (*yaml.Node, error) {
	decoder := json.NewDecoder(bytes.NewReader(document))
	decoder.UseNumber()
	p := jsonParser{decoder: decoder, document: document, line: 1}
	return p.value(0)
}

type jsonParser struct {
	decoder  *json.Decoder
	document []byte
	// read is the offset up to which line counts the line ends.
	read int64
	line int
}

// token returns the next token as a node: an empty object or list at its start, nil at its end.
func (p *jsonParser) token() (*yaml.Node, error) {
	token, err := p.decoder.Token()
	if err != nil {
		return nil, err
	}
	end := p.decoder.InputOffset()
	p.line += bytes.Count(p.document[p.read:end], []byte("\n"))
	p.read = end
	n := &yaml.Node{Kind: yaml.ScalarNode, Line: p.line, Value: fmt.Sprint(token)}
	switch v := token.(type) {
	case json.Delim:
		switch v {
		case '{':
			return &yaml.Node{Kind: yaml.MappingNode, Tag: "!!map", Line: p.line}, nil
		case '[':
			return &yaml.Node{Kind: yaml.SequenceNode, Tag: "!!seq", Line: p.line}, nil
		}
		return nil, nil
	case string:
		n.Tag, n.Style = "!!str", yaml.DoubleQuotedStyle
	case bool:
		n.Tag = "!!bool"
	case nil:
		n.Tag, n.Value = "!!null", "null"
	} // else a number, whose tag YAML finds
	return n, nil
}

func (p *jsonParser) value(depth int) (*yaml.Node, error) {
	if depth > MaxDepth+1 {
		return nil, fmt.Errorf("line %d: the document nests deeper than %d levels", p.line, MaxDepth)
	}
	n, err := p.token()
	if err != nil || n == nil || n.Kind == yaml.ScalarNode {
		return n, err
	}
	for {
		child, err := p.value(depth + 1)
		if err != nil {
			return nil, err
		}
		if child == nil {
			return n, nil
		}
		n.Content = append(n.Content, child)
	}
}

// isJSON reports whether a document is one JSON object.
func isJSON(document []byte) bool {
	return bytes.HasPrefix(bytes.TrimLeft(document, " \t\r\n"), []byte("{")) && json.Valid(document)
}
