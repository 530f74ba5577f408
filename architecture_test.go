package deployrecords_test

import (
	"bytes"
	"encoding/json"
	"errors"
	"io"
	"io/fs"
	"os"
	"os/exec"
	"path/filepath"
	"regexp"
	"slices"
	"strings"
	"testing"

	"github.com/deployrecords/deployrecords"
	"github.com/deployrecords/deployrecords/internal/contract"
)

const module = "github.com/deployrecords/deployrecords"

// mayImport lists the packages of this module that each package may import; docs/architecture.md explains them. Packages
// for tests may import every package, and only tests and the benchmark may import them.
var mayImport = map[string][]string{
	"":                           {},
	"cmd/bench":                  {"internal/bench"},
	"cmd/deployrecords":          {"internal/cli"},
	"cmd/manpages":               {"internal/cli"},
	"cmd/specupdate":             {"internal/specupdate"},
	"deployrecordstest":          {"", "internal/contract", "generated/client", "internal/auth", "internal/deployments", "internal/faults", "internal/fixture", "internal/httpserver", "internal/httpserver/openapi", "internal/journal", "internal/sandbox", "internal/store"},
	"generated/client":           {},
	"generated/control/client":   {},
	"generated/control/server":   {},
	"generated/recording/client": {},
	"generated/recording/server": {"generated/server"},
	"generated/server":           {},
	"internal/admission":         {"internal/deployments"},
	"internal/api":               {"generated/recording/server", "generated/server", "internal/deployments"},
	"internal/auth":              {"internal/auth/claims", "internal/auth/jwks", "internal/auth/keys", "internal/auth/policy", "internal/auth/trust"},
	"internal/bench":             {"", "internal/api", "internal/contract", "internal/demo", "internal/pgtest"},
	"internal/bench/naive":       {"generated/server", "internal/deployments"},
	"internal/cli":               {"", "internal/contract", "generated/client", "generated/recording/client", "internal/admission", "internal/auth", "internal/auth/claims", "internal/auth/jwks", "internal/auth/keys", "internal/auth/trust", "internal/auth/trustfile", "internal/config", "internal/conformance", "internal/conformance/report", "internal/control", "internal/demo", "internal/deployments", "internal/faults", "internal/fixture", "internal/httpserver", "internal/importer", "internal/manpage", "internal/metrics", "internal/recordcsv", "internal/sandbox", "internal/store", "internal/tracing", "internal/ui", "internal/ui/provider", "internal/variant"},
	"internal/config":            {"internal/deployments"},
	"internal/conformance":       {"internal/conformance/client", "internal/conformance/relations", "internal/conformance/report", "internal/conformance/spec", "internal/conformance/tokens", "internal/conformance/writes"},
	"internal/contract":          {},
	"internal/control":           {"generated/control/server", "internal/api", "internal/auth", "internal/contract", "internal/deployments", "internal/faults", "internal/fixture", "internal/httpserver", "internal/httpserver/openapi", "internal/journal", "internal/sandbox"},
	"internal/demo":              {"internal/deployments", "internal/importer"},
	"internal/deployments":       {},
	"internal/document":          {},
	"internal/faults":            {"internal/api", "internal/deployments"},
	"internal/fixture":           {"internal/auth", "internal/deployments", "internal/importer", "internal/store"},
	"internal/httpserver":        {"generated/recording/server", "generated/server", "internal/admission", "internal/api", "internal/auth", "internal/deployments", "internal/httpserver/bodies", "internal/httpserver/openapi", "internal/ui"},
	"internal/importer":          {"internal/deployments"},
	"internal/journal":           {"internal/faults"},
	"internal/manpage":           {},
	"internal/metrics":           {"internal/admission", "internal/auth", "internal/deployments", "internal/store"},
	"internal/recordcsv":         {},
	"internal/sandbox":           {"internal/admission", "internal/api", "internal/auth", "internal/deployments", "internal/faults", "internal/fixture", "internal/httpserver", "internal/httpserver/openapi", "internal/journal", "internal/store"},
	"internal/specupdate":        {"internal/document"},
	"internal/tracing":           {},
	"internal/variant":           {"internal/api", "internal/deployments", "internal/httpserver"},

	"internal/auth/claims":    {},
	"internal/auth/jwks":      {"internal/auth/keys"},
	"internal/auth/keys":      {},
	"internal/auth/policy":    {"internal/auth/claims", "internal/auth/jwks", "internal/auth/keys", "internal/auth/trust"},
	"internal/auth/trust":     {"internal/auth/claims", "internal/auth/jwks", "internal/auth/keys"},
	"internal/auth/trustfile": {"internal/auth/claims", "internal/auth/jwks", "internal/auth/keys", "internal/auth/trust"},

	"internal/httpserver/bodies":  {"internal/admission", "internal/api", "internal/deployments", "internal/httpserver/schemas"},
	"internal/httpserver/openapi": {"internal/admission", "internal/api", "internal/auth", "internal/contract", "internal/deployments", "internal/document", "internal/httpserver/bodies", "internal/httpserver/schemas"},
	"internal/httpserver/schemas": {"internal/deployments"},

	"internal/ui":          {"internal/admission", "internal/auth", "internal/deployments", "internal/ui/export", "internal/ui/filters", "internal/ui/matrix", "internal/ui/provider", "internal/ui/render", "internal/ui/session", "internal/ui/swagger"},
	"internal/ui/export":   {"internal/deployments", "internal/importer", "internal/recordcsv"},
	"internal/ui/filters":  {"internal/deployments"},
	"internal/ui/matrix":   {"internal/deployments"},
	"internal/ui/provider": {"internal/auth", "internal/auth/jwks", "internal/auth/trust", "internal/ui/session"},
	"internal/ui/render":   {"internal/deployments", "internal/ui/matrix"},
	"internal/ui/session":  {"internal/auth"},
	"internal/ui/swagger":  {},

	"internal/conformance/client":    {},
	"internal/conformance/relations": {"internal/conformance/client", "internal/conformance/report", "internal/conformance/spec"},
	"internal/conformance/report":    {},
	"internal/conformance/spec":      {"internal/conformance/client", "internal/conformance/report"},
	"internal/conformance/tokens":    {"internal/conformance/client", "internal/conformance/report", "internal/conformance/spec"},
	"internal/conformance/writes":    {"internal/conformance/client", "internal/conformance/report", "internal/conformance/spec"},

	"internal/store":             {"internal/admission", "internal/deployments", "internal/store/audit", "internal/store/compaction", "internal/store/database", "internal/store/databaseurl", "internal/store/demand", "internal/store/importing", "internal/store/listing", "internal/store/migration", "internal/store/namecache", "internal/store/outcomes", "internal/store/overview", "internal/store/quotas", "internal/store/recording", "internal/store/replicas", "internal/store/schema", "internal/store/session", "internal/store/unreachable"},
	"internal/store/applying":    {"internal/deployments", "internal/store/database", "internal/store/history", "internal/store/links", "internal/store/naming", "internal/store/outcomes", "internal/store/quotas", "internal/store/schema", "internal/store/snapshots"},
	"internal/store/audit":       {"internal/deployments", "internal/store/compaction", "internal/store/counts", "internal/store/database", "internal/store/links", "internal/store/quotas", "internal/store/schema"},
	"internal/store/compaction":  {"internal/admission", "internal/store/counts", "internal/store/database", "internal/store/demand", "internal/store/milestones"},
	"internal/store/counts":      {"internal/deployments", "internal/store/database", "internal/store/schema"},
	"internal/store/database":    {"internal/deployments", "internal/store/databaseurl", "internal/store/session", "internal/store/spans", "internal/store/sqlitefile", "internal/store/unreachable"},
	"internal/store/demand":      {},
	"internal/store/groupcommit": {},
	"internal/store/databaseurl": {},
	"internal/store/history":     {"internal/deployments", "internal/store/database", "internal/store/schema"},
	"internal/store/idempotency": {"internal/deployments", "internal/store/database"},
	"internal/store/importing":   {"internal/deployments", "internal/store/compaction", "internal/store/database", "internal/store/links", "internal/store/quotas", "internal/store/schema", "internal/store/session"},
	"internal/store/links":       {"internal/deployments", "internal/store/database", "internal/store/schema"},
	"internal/store/listing":     {"internal/admission", "internal/deployments", "internal/store/counts", "internal/store/database", "internal/store/demand", "internal/store/namecache", "internal/store/replicas", "internal/store/session", "internal/store/statements"},
	"internal/store/migration":   {"internal/store/database"},
	"internal/store/milestones":  {"internal/store/counts", "internal/store/database"},
	"internal/store/namecache":   {"internal/deployments", "internal/store/database", "internal/store/schema"},
	"internal/store/naming":      {"internal/deployments", "internal/store/quotas", "internal/store/schema"},
	"internal/store/outcomes":    {"internal/deployments", "internal/store/quotas"},
	"internal/store/overview":    {"internal/admission", "internal/deployments", "internal/store/database", "internal/store/namecache", "internal/store/replicas", "internal/store/schema", "internal/store/statements"},
	"internal/store/quotas":      {"internal/deployments", "internal/store/counts", "internal/store/database"},
	"internal/store/recording":   {"internal/admission", "internal/deployments", "internal/store/applying", "internal/store/database", "internal/store/groupcommit", "internal/store/history", "internal/store/idempotency", "internal/store/naming", "internal/store/outcomes", "internal/store/quotas", "internal/store/schema"},
	"internal/store/replicas":    {"internal/store/database", "internal/store/databaseurl", "internal/store/session"},
	"internal/store/schema":      {"internal/deployments", "internal/store/database", "internal/store/migration"},
	"internal/store/session":     {"internal/store/spans"},
	"internal/store/snapshots":   {"internal/deployments", "internal/store/database", "internal/store/schema"},
	"internal/store/spans":       {},
	"internal/store/statements":  {"internal/deployments", "internal/store/counts", "internal/store/database", "internal/store/schema"},
	"internal/store/sqlitefile":  {"internal/deployments"},
	"internal/store/unreachable": {},
}

// testPackages are for tests only.
var testPackages = []string{"internal/contracttest", "internal/noracetest", "internal/oidctest", "internal/pgtest", "internal/racetest", "internal/storetest"}

// mustNotImport lists, by the beginning of the import path, what a package and the packages below it must not import.
var mustNotImport = map[string][]string{
	"internal/deployments": {"github.com/", "net/http", "encoding/json"},
	"internal/store":       {"github.com/labstack/", "github.com/getkin/", "net/http"},
	"internal/api":         {"github.com/labstack/"},
	"internal/auth":        {"github.com/labstack/"},
	"internal/ui":          {"github.com/labstack/"},
	"internal/conformance": {"github.com/labstack/"},
}

// Only internal/metrics and the packages below it may import metricsImports, by the beginning of the import path.
const metricsImports = "github.com/prometheus/"

// Only databasePackages and the packages below them may import databaseImports, by the beginning of the import path.
var (
	databasePackages = []string{"internal/bench", "internal/pgtest", "internal/store", "internal/storetest"}
	databaseImports  = []string{"database/sql", "github.com/jackc/", "gorm.io/", "modernc.org/"}
)

// within reports whether a package is the parent or below it.
func within(name, parent string) bool { return name == parent || strings.HasPrefix(name, parent+"/") }

type goPackage struct {
	ImportPath string
	Imports    []string
}

func packages(t *testing.T) []goPackage {
	t.Helper()
	out, err := exec.Command("go", "list", "-json=ImportPath,Imports", "./...").Output()
	if err != nil {
		t.Fatal(err)
	}
	var all []goPackage
	for decoder := json.NewDecoder(bytes.NewReader(out)); ; {
		var p goPackage
		if err := decoder.Decode(&p); errors.Is(err, io.EOF) {
			return all
		} else if err != nil {
			t.Fatal(err)
		}
		all = append(all, p)
	}
}

// inModule returns the path of a package of this module relative to the module, "" for the root package.
func inModule(path string) (string, bool) {
	rest, ok := strings.CutPrefix(path, module)
	return strings.TrimPrefix(rest, "/"), ok && (rest == "" || rest[0] == '/')
}

func TestPackagesImportOnlyWhatTheyMay(t *testing.T) {
	for _, p := range packages(t) {
		name, _ := inModule(p.ImportPath)
		if slices.Contains(testPackages, name) || strings.HasPrefix(name, "internal/e2e") {
			continue
		}
		allowed, listed := mayImport[name]
		if !listed {
			t.Errorf("mayImport has no entry for %s", name)
		}
		for _, other := range allowed {
			if !slices.Contains(p.Imports, strings.TrimSuffix(module+"/"+other, "/")) {
				t.Errorf("%s may import %q and does not", name, other)
			}
		}
		for _, imported := range p.Imports {
			if own, ok := inModule(imported); ok && !slices.Contains(allowed, own) {
				t.Errorf("%s must not import %s", name, own)
			}
			for parent, prefixes := range mustNotImport {
				if !within(name, parent) {
					continue
				}
				for _, prefix := range prefixes {
					if strings.HasPrefix(imported, prefix) {
						t.Errorf("%s must not import %s", name, imported)
					}
				}
			}
		}
	}
}

// The table of the store's packages in docs/architecture.md is mayImport.
func TestTheTableOfPackagesHasTheirImports(t *testing.T) {
	text, err := os.ReadFile("docs/architecture.md")
	if err != nil {
		t.Fatal(err)
	}
	const store = "internal/store/"
	documented := make(map[string]bool)
	for _, row := range regexp.MustCompile("(?m)^\\| `([a-z]+)` \\| [^|]+ \\| ([a-z, ]*)\\|$").FindAllStringSubmatch(string(text), -1) {
		name, want := row[1], strings.FieldsFunc(row[2], func(c rune) bool { return c == ',' || c == ' ' })
		allowed, isPackage := mayImport[store+name]
		if !isPackage {
			continue
		}
		documented[store+name] = true
		var got []string
		for _, imported := range allowed {
			if imported != "internal/deployments" {
				got = append(got, strings.TrimPrefix(strings.TrimPrefix(imported, store), "internal/"))
			}
		}
		slices.Sort(got)
		slices.Sort(want)
		if !slices.Equal(got, want) {
			t.Errorf("docs/architecture.md says that %s imports %q; mayImport has %q", name, want, got)
		}
	}
	for name := range mayImport {
		if strings.HasPrefix(name, store) && !documented[name] {
			t.Errorf("docs/architecture.md has no row for %s", name)
		}
	}
}

func TestOnlyDatabasePackagesImportSQL(t *testing.T) {
	for _, p := range packages(t) {
		name, _ := inModule(p.ImportPath)
		if slices.ContainsFunc(databasePackages, func(parent string) bool { return within(name, parent) }) {
			continue
		}
		for _, imported := range p.Imports {
			if slices.ContainsFunc(databaseImports, func(prefix string) bool { return strings.HasPrefix(imported, prefix) }) {
				t.Errorf("%s must not import %s", name, imported)
			}
		}
	}
}

func TestOnlyMetricsImportsPrometheus(t *testing.T) {
	for _, p := range packages(t) {
		name, _ := inModule(p.ImportPath)
		imports := slices.ContainsFunc(p.Imports, func(imported string) bool { return strings.HasPrefix(imported, metricsImports) })
		if imports && !within(name, "internal/metrics") {
			t.Errorf("%s must not import %s", name, metricsImports)
		}
	}
}

// eachSource visits every Go file that is neither generated nor a test.
func eachSource(t *testing.T, visit func(path, text string)) {
	t.Helper()
	err := filepath.WalkDir(".", func(path string, entry fs.DirEntry, err error) error {
		if err != nil {
			return err
		}
		if entry.IsDir() && (path == "generated" || path == "tools" || path == ".git") {
			return fs.SkipDir
		}
		if entry.IsDir() || !strings.HasSuffix(path, ".go") || strings.HasSuffix(path, "_test.go") {
			return nil
		}
		text, err := os.ReadFile(path)
		visit(filepath.ToSlash(path), string(text))
		return err
	})
	if err != nil {
		t.Fatal(err)
	}
}

func TestOnlyConfigReadsTheEnvironmentAndNobodyUsesTheDefaultLogger(t *testing.T) {
	environment := regexp.MustCompile(`\bos\.(Getenv|LookupEnv|Environ|ExpandEnv)\(`)
	logger := regexp.MustCompile(`\bslog\.(Default|Info|Warn|Error|Debug)\(|\blog\.(Print|Fatal)`)
	eachSource(t, func(path, text string) {
		if environment.MatchString(text) && !strings.HasPrefix(path, "internal/config/") && !strings.HasPrefix(path, "internal/pgtest/") {
			t.Errorf("%s reads the environment", path)
		}
		if logger.MatchString(text) {
			t.Errorf("%s uses a logger that it was not passed", path)
		}
	})
}

func TestPackageNamesSayWhatIsInside(t *testing.T) {
	for _, p := range packages(t) {
		for _, name := range []string{"util", "utils", "common", "helpers", "models", "misc"} {
			if strings.HasSuffix(p.ImportPath, "/"+name) {
				t.Errorf("the name of %s does not say what is inside", p.ImportPath)
			}
		}
	}
}

func TestOpenAPIReturnsUpstreamsDocumentByteForByte(t *testing.T) {
	file, err := os.ReadFile("openapi.yaml")
	if err != nil {
		t.Fatal(err)
	}
	if !bytes.Equal(file, deployrecords.OpenAPI()) {
		t.Error("the embedded document differs from openapi.yaml")
	}
	deployrecords.OpenAPI()[0] = 'X'
	if !bytes.Equal(file, deployrecords.OpenAPI()) {
		t.Error("a caller can change the embedded document")
	}
	const digest = "sha256:25dc82df7edb2c714f34c5a16e0058f3e7b74817abb1acf91723fa4cabc302ff"
	if got := deployrecords.ContractDigest(); got != digest {
		t.Errorf("the document's digest is %s: if upstream's document was updated on purpose, change it here", got)
	}
}

// recordingRequest matches a line that names the path of a recording operation beside its method.
var recordingRequest = regexp.MustCompile(`(?i)post.*"` + contract.RecordingPath + `["/]|"` + contract.RecordingPath + `/batch|\bPOST ` + contract.RecordingPath)

// The recording operations move to another path by the constant, their document and the documentation, so nothing else may
// name their path. The test of internal/contract with the tag soak moves them.
func TestOnlyTheConstantNamesThePathOfTheRecordingOperations(t *testing.T) {
	err := filepath.WalkDir(".", func(path string, entry fs.DirEntry, err error) error {
		if err != nil {
			return err
		}
		path = filepath.ToSlash(path)
		if entry.IsDir() {
			if path == "generated" || path == "docs" || path == ".git" || entry.Name() == "node_modules" || entry.Name() == "testdata" {
				return fs.SkipDir
			}
			return nil
		}
		if !slices.Contains([]string{".go", ".sh", ".ts"}, filepath.Ext(path)) {
			return nil
		}
		text, err := os.ReadFile(path)
		if err != nil {
			return err
		}
		for i, line := range strings.Split(string(text), "\n") {
			if recordingRequest.MatchString(line) {
				t.Errorf("%s:%d names the path of a recording operation: use contract.RecordingPath", path, i+1)
			}
		}
		return nil
	})
	if err != nil {
		t.Fatal(err)
	}
}
