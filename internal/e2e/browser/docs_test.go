package browser

import (
	"encoding/json"
	"fmt"
	"strings"
	"testing"
	"time"

	"github.com/chromedp/chromedp"

	"github.com/deployrecords/deployrecords/internal/auth"
	"github.com/deployrecords/deployrecords/internal/storetest"
)

// setValue is a script that types into an input of Swagger UI, whose framework listens for the event.
const setValue = `((input, text) => {
	Object.getOwnPropertyDescriptor(HTMLInputElement.prototype, "value").set.call(input, text);
	input.dispatchEvent(new Event("input", {bubbles: true}));
})`

// A person pastes a token into /docs, and sends requests of both documents to this server. A tab fails for a request to another one.
func TestTryItOutSendsAPastedTokenToThisServer(t *testing.T) {
	t.Parallel()
	s := newSite(t, storetest.Entry(1, 1, "eu", "api"))
	b := s.open()
	pasted, err := auth.Mint(secret, auth.MintRequest{
		Organization: "acme", Scopes: []auth.Scope{auth.ReadDeployments, auth.WriteDeployments}, TTL: time.Hour,
	})
	if err != nil {
		t.Fatal(err)
	}
	b.visit("/docs/")
	b.do(chromedp.WaitReady(".opblock"))
	if got := b.execute(".opblock-get"); !strings.HasPrefix(got, "401") {
		t.Errorf("without a token: %s", got)
	}
	b.authorize(pasted)
	if got := b.execute(".opblock-get"); !strings.HasPrefix(got, "200") || !strings.Contains(got, storetest.Digest(1)) {
		t.Errorf("a listing: %s", got)
	}
	if got := eval[string](b, `document.querySelector(".request-url pre").textContent`); !strings.HasPrefix(got, s.url+"/v1/deployments?") {
		t.Errorf("the request went to %s", got)
	}
	eval[bool](b, `(document.querySelector("#select").selectedIndex = 1, document.querySelector("#select").dispatchEvent(new Event("change", {bubbles: true})))`)
	b.do(chromedp.WaitReady(".opblock-post"))
	b.authorize(pasted)
	if got := b.execute(".opblock-post"); !strings.HasPrefix(got, "200") || !strings.Contains(got, "DEPLOYED") {
		t.Errorf("a recording: %s", got)
	}
}

// authorize pastes a token.
func (b *tab) authorize(token string) {
	b.t.Helper()
	b.click(".auth-wrapper .authorize")
	b.do(chromedp.WaitReady(".auth-container input"))
	text, err := json.Marshal(token)
	if err != nil {
		b.t.Fatal(err)
	}
	eval[bool](b, fmt.Sprintf(`(%s(document.querySelector(".auth-container input"), %s), true)`, setValue, text))
	b.click(".auth-btn-wrapper .authorize")
	b.click(".auth-btn-wrapper .btn-done")
}

// execute sends the request of the first operation of a kind, and returns the status and the body of the response.
func (b *tab) execute(operation string) string {
	b.t.Helper()
	if !eval[bool](b, `document.querySelector("`+operation+` .execute") !== null`) {
		b.click(operation + " .opblock-summary-control")
		b.do(chromedp.WaitReady(operation + " .execute"))
	}
	if eval[bool](b, `document.querySelector("`+operation+` .btn-clear") !== null`) {
		b.click(operation + " .btn-clear")
		b.do(chromedp.WaitNotPresent(operation + " .live-responses-table"))
	}
	if operation == ".opblock-post" { // Swagger UI fills in the example after it shows the button, and sends no request without a body
		b.do(chromedp.Poll[chromedp.Void](`document.querySelector("` + operation + ` textarea.body-param__text")?.value`))
	}
	b.click(operation + " .execute")
	b.do(chromedp.WaitReady(operation + " .live-responses-table .response-col_status"))
	return eval[string](b, `document.querySelector("`+operation+` .live-responses-table tbody").textContent`)
}

func (b *tab) click(selector string) {
	b.t.Helper()
	eval[bool](b, `(document.querySelector("`+selector+`").click(), true)`)
}
