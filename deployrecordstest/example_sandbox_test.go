package deployrecordstest_test

import (
	"encoding/json"
	"fmt"
	"log"
	"net/http"
	"time"

	"github.com/deployrecords/deployrecords/deployrecordstest"
)

// listWithRetries is the program under test. It lists deployments, and retries as long as the server is unavailable.
func listWithRetries(client *http.Client, url string) (total int, err error) {
	for range 5 {
		response, err := client.Get(url + "/v1/deployments")
		if err != nil {
			return 0, err
		}
		var list struct {
			Pagination struct {
				TotalCount int `json:"total_count"`
			} `json:"pagination"`
		}
		err = json.NewDecoder(response.Body).Decode(&list)
		_ = response.Body.Close()
		if response.StatusCode != http.StatusServiceUnavailable {
			return list.Pagination.TotalCount, err
		}
	}
	return 0, fmt.Errorf("the server is unavailable")
}

// A client must survive two responses with a 503. Tests use Sandbox instead of NewSandbox and Close.
func ExampleSandboxServer_Fail() {
	sandbox, err := deployrecordstest.NewSandbox(
		deployrecordstest.WithRecordsFile("testdata/records.ndjson"),
		deployrecordstest.WithNow(time.Date(2026, 11, 1, 9, 30, 0, 0, time.UTC)))
	if err != nil {
		log.Fatal(err)
	}
	defer sandbox.Close()

	sandbox.Fail(deployrecordstest.Fault{Kind: deployrecordstest.ErrorStatus, Status: 503, Times: 2})
	fmt.Println(listWithRetries(sandbox.Client(), sandbox.URL))
	for _, request := range sandbox.Journal().Find(deployrecordstest.RequestFilter{Method: "GET"}) {
		fmt.Println(request.Method, request.Path, request.Status, request.Header.Get("Authorization"))
	}
	// Output:
	// 4 <nil>
	// GET /v1/deployments 503 Bearer (not shown)
	// GET /v1/deployments 503 Bearer (not shown)
	// GET /v1/deployments 200 Bearer (not shown)
}

// A test can use tokens that are broken on purpose, and restore the start of a sandbox.
func ExampleSandboxServer_Mint() {
	sandbox, err := deployrecordstest.NewSandbox()
	if err != nil {
		log.Fatal(err)
	}
	defer sandbox.Close()

	for _, broken := range []string{"expired", "wrong-key", "wrong-audience", "no-scope"} {
		request, err := http.NewRequest(http.MethodGet, sandbox.URL+"/v1/deployments", nil)
		if err != nil {
			log.Fatal(err)
		}
		request.Header.Set("Authorization", "Bearer "+sandbox.Mint(deployrecordstest.TokenOptions{Broken: broken}))
		response, err := sandbox.Client().Do(request)
		if err != nil {
			log.Fatal(err)
		}
		_ = response.Body.Close()
		fmt.Println(broken, response.StatusCode)
	}
	sandbox.Reset()
	fmt.Println(sandbox.Journal().Count(deployrecordstest.RequestFilter{}), "requests after the reset")
	// Output:
	// expired 401
	// wrong-key 401
	// wrong-audience 401
	// no-scope 403
	// 0 requests after the reset
}
