package httpserver_test

import (
	"fmt"
	"net/http"
	"testing"

	"github.com/deployrecords/deployrecords/internal/contracttest"
	"github.com/deployrecords/deployrecords/internal/storetest"
)

func TestQ1_AnExplodedObjectIsNotIgnored(t *testing.T) {
	server, s := onSQLite(t, withDocument(t,
		contracttest.Insert(listParameters, -1, `{in: query, name: test_filter, schema: {allOf: [{properties: {test_since: {type: string}}}, {required: [test_since]}]}}`),
		contracttest.Insert(listParameters, -1, `{in: query, name: test_either, schema: {oneOf: [{type: string}, {type: object, properties: {test_until: {type: string}}}]}}`),
		contracttest.Insert(listParameters, -1, `{in: query, name: test_map, explode: false, schema: {type: object, additionalProperties: {type: string}}}`),
		contracttest.Insert(listParameters, -1, `{in: query, name: 'test_labels[string]', schema: {type: string}}`),
		contracttest.Insert(listParameters, -1, `{in: query, name: 'test_labels[]', schema: {type: string}}`),
		contracttest.Insert(listParameters, -1, `{in: query, name: test_scalar, schema: {oneOf: [{type: string}, {type: integer}]}}`),
	))
	storetest.Load(t, s, "acme", storetest.Entry(1, 1, "eu", "api"))
	for query, want := range map[string]string{
		"?test_since=2020":      "501 test_filter: is not implemented by this server",
		"?test_since[gt]=2020":  "501 test_filter: is not implemented by this server",
		"?test_filter[since]=1": "501 test_filter: is not implemented by this server",
		"?test_until=2020":      "501 test_either: is not implemented by this server",
		"?test_map=team,a":      "501 test_map: is not implemented by this server",
		"?test_map[team]=a":     "501 test_map: is not implemented by this server",
		"?test_labels[]=a":      "501 test_labels[]: is not implemented by this server",
		"?test_scalar=a":        "501 test_scalar: is not implemented by this server",
		"?test_labels[team]=a":  "501 test_labels[string], test_labels[]: are not implemented by this server",
		"?test_other=a":         "200",
		"?test_lab[team]=a":     "200",
	} {
		answer := server.get(query)
		got := fmt.Sprint(answer.status)
		if answer.status == http.StatusNotImplemented {
			got += fmt.Sprint(" ", answer.json(t)["message"])
		}
		if got != want {
			t.Errorf("%s: got %s (%s), want %s", query, got, answer.body, want)
		}
	}
}
