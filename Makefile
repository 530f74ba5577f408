# The commands for people and CI. `make help` lists them.
GO       ?= go
TOOL     := $(GO) tool -modfile=tools/go.mod
TOOLS_OF_RELEASE := $(GO) tool -modfile=tools/release/go.mod
VERSION  ?= $(shell git describe --tags --always --dirty 2>/dev/null || echo dev)
COMMIT   ?= $(shell git rev-parse HEAD 2>/dev/null || echo unknown)
CREATED  ?= $(shell git log -1 --format=%ct 2>/dev/null || echo 0)
# npm accepts semantic versions only.
NPM_VERSION ?= 0.0.0-dev
LDFLAGS  := -s -w -X github.com/deployrecords/deployrecords/internal/cli.Version=$(VERSION) -X github.com/deployrecords/deployrecords/internal/cli.Commit=$(COMMIT)

.DEFAULT_GOAL := help
.PHONY: npm screenshots help build image run generate generate-code spec-update check check-deploy check-release test soak bench release-snapshot clean

help: ## List the targets.
	@awk -F ':.*## ' '/^[a-z-]+:.*## / {printf "  make %-16s %s\n", $$1, $$2}' $(MAKEFILE_LIST)

build: ## Build bin/deployrecords, in pure Go.
	CGO_ENABLED=0 $(GO) build -trimpath -ldflags '$(LDFLAGS)' -o bin/deployrecords ./cmd/deployrecords

image: ## Build the container image for amd64 and arm64 into bin/, without a container daemon.
	for arch in amd64 arm64; do \
	  CGO_ENABLED=0 GOOS=linux GOARCH=$$arch $(GO) build -trimpath -buildvcs=false -ldflags '$(LDFLAGS)' -o bin/linux-$$arch/deployrecords ./cmd/deployrecords || exit; \
	done
	$(GO) run -C deploy ./image -version '$(VERSION)' -commit '$(COMMIT)' -created '$(CREATED)' -out ../bin \
	  amd64=../bin/linux-amd64/deployrecords arm64=../bin/linux-arm64/deployrecords

run: build ## Serve the demo data on 127.0.0.1:8080 and print commands that query it.
	@sh scripts/run-demo.sh

generate: generate-code ## Generate the code in generated/ from the OpenAPI documents, and the settings in docs/operations.md and in the Helm chart.
	$(GO) test ./internal/cli -run 'TestSettingsTableIsCurrent|TestTheChartKnowsEverySetting' -update

generate-code: # Only the code in generated/.
	$(TOOL) oapi-codegen -config oapi-codegen.yaml openapi.yaml
	$(TOOL) oapi-codegen -config internal/contract/oapi-codegen.client.yaml openapi.yaml
	$(TOOL) oapi-codegen -config internal/contract/oapi-codegen.recording.server.yaml internal/contract/openapi.recording.yaml
	$(TOOL) oapi-codegen -config internal/contract/oapi-codegen.recording.client.yaml internal/contract/openapi.recording.yaml
	$(TOOL) oapi-codegen -config internal/contract/oapi-codegen.control.server.yaml internal/contract/openapi.control.yaml
	$(TOOL) oapi-codegen -config internal/contract/oapi-codegen.control.client.yaml internal/contract/openapi.control.yaml

spec-update: ## Update to upstream's next document: make spec-update FROM=path-or-https-URL.
	@$(GO) run ./cmd/specupdate -from "$(FROM)"

check: ## Check that generated code is current, run the linters over code and prose, and check go.mod.
	@sh scripts/check-generated.sh
	$(TOOL) golangci-lint run
	@GO='$(GO)' sh scripts/check-prose.sh
	$(GO) mod tidy -diff

check-deploy: ## Lint and test the files of deploy/, and run the container image where root can.
	@GO='$(GO)' sh scripts/check-deploy.sh

test: ## Run every test on both databases, with the race detector where there is a C compiler.
	@GO='$(GO)' sh scripts/test.sh ./...

npm: ## Build the tarballs of deployrecords-mock for npm in bin/npm; PLATFORMS="linux-x64" selects platforms.
	@GO='$(GO)' VERSION='$(patsubst v%,%,$(NPM_VERSION))' LDFLAGS='$(LDFLAGS)' sh scripts/npm.sh

screenshots: ## Take pictures of every page with Chromium into bin/screenshots, and copy those of the documentation.
	mkdir -p bin/screenshots docs/images
	$(GO) test ./internal/e2e/browser -run TestScreenshots -screenshots '$(CURDIR)/bin/screenshots'
	cp bin/screenshots/matrix-light.png docs/images/matrix.png
	cp bin/screenshots/slot-dark.png docs/images/slot.png

soak: build ## Run what is too slow for every day: fuzzing, long property tests, kills and other faults, PostgreSQL 15 to 18, go install, releases, spec updates, the README as a new user, the TypeScript example, the npm packages, the container image twice.
	@sh scripts/test-typescript.sh
	@GO='$(GO)' sh scripts/test-npm.sh
	@sh scripts/test-readme.sh
	@GO='$(GO)' sh scripts/test-postgres-versions.sh
	@sh scripts/test-image.sh
	$(GO) test ./internal/httpserver -run '^$$' -fuzz FuzzHandler -fuzztime $(or $(FUZZTIME),5m)
	$(GO) test ./internal/httpserver -run '^$$' -fuzz FuzzRecording -fuzztime $(or $(FUZZTIME),5m)
	$(GO) test ./internal/importer -run '^$$' -fuzz FuzzEntries -fuzztime $(or $(FUZZTIME),5m)
	$(GO) test ./internal/store -run Property -rapid.checks=$(or $(CHECKS),3000) -timeout 60m
	$(GO) test -tags soak ./internal/store/snapshots -timeout 60m
	$(GO) test -tags soak ./internal/store/session -run NetworkThatIsCut -v
	$(GO) test -tags soak ./internal/store -run BehindAPooler -timeout 30m
	$(GO) test -tags soak ./internal/store/replicas -run 'NoList|AnImport' -v -timeout 60m
	$(GO) test -tags soak ./internal/e2e -run BodiesOfEveryShape -v -timeout 60m
	$(GO) test -tags soak ./internal/e2e -run Chaos -v -timeout 120m -kills $(or $(KILLS),100)
	$(GO) test -tags soak ./internal/specupdate -run EndToEnd -timeout 600m
	$(GO) test -tags soak ./internal/contract -run RecordingMoves -timeout 60m
	$(GO) test -tags soak ./internal/e2e -run 'GoInstall|Release' -v -timeout 60m
	$(GO) test -tags soak ./internal/conformance -run 'EachPairOfVariants|DuringWrites' -timeout 60m
	$(GO) test -race -tags raceall ./internal/cli ./internal/bench ./internal/e2e/browser -timeout 60m

bench: ## Benchmark with RECORDS=1000000 and write docs/performance.md; SCENARIO=name runs one scenario.
	$(GO) run ./cmd/bench -records '$(or $(RECORDS),1000000)' -scenario '$(SCENARIO)'

release-snapshot: ## Build the archives, packages and SBOMs of a release into bin/release, without publishing them.
	$(TOOLS_OF_RELEASE) goreleaser release --snapshot --clean

check-release: ## Check the configuration of releases.
	$(TOOLS_OF_RELEASE) goreleaser check

clean: ## Remove bin/ and the demo's database and secret.
	rm -rf bin .deployrecords
