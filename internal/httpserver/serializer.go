package httpserver

import (
	"encoding/json"

	"github.com/labstack/echo/v4"

	"github.com/deployrecords/deployrecords/internal/httpserver/bodies"
)

// serializer decodes checked bodies for the generated code. Echo's own serializer copies the text first.
type serializer struct{ echo.DefaultJSONSerializer }

// Deserialize decodes the body of the request into the value, and drops the text.
func (s serializer) Deserialize(c echo.Context, value any) error {
	text, checked := bodies.Take(c.Request())
	if !checked {
		return s.DefaultJSONSerializer.Deserialize(c, value)
	}
	return json.Unmarshal(text, value) // its errors name the field
}
