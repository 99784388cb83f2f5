# The commands of this repository. `make help` lists them.

GO ?= go
VERSION ?= $(shell git describe --tags --always --dirty 2>/dev/null || echo unknown)
LDFLAGS := -s -w -X stet/internal/version.Version=$(VERSION)
STATIC := CGO_ENABLED=0 $(GO) build -trimpath -ldflags '$(LDFLAGS)'
# The agent is copied to hosts, so that its size counts more than its speed: its
# requests are HTTP/1.1 anyway, its cryptography has no tables and no assembly,
# nothing is inlined, and functions lie close together.
AGENT := CGO_ENABLED=0 $(GO) build -trimpath -ldflags '$(LDFLAGS) -funcalign=1' -tags nethttpomithttp2,purego -gcflags=all=-l
# Where they go.
AGENTS := bin
FUZZTIME ?= 30s
PKG ?= ./...

GOLANGCI_VERSION := v2.7.0
GOLANGCI := bin/tools/golangci-lint-$(GOLANGCI_VERSION)

# Packages whose goroutines share state.
RACE := ./cmd/stet ./cmd/stet/internal/... ./cmd/stet-agent ./executors/ssh/... ./executors/local/... ./executors/wire/... ./executors/shell/... \
	./executors/guard/... ./executors/agent/... ./executors/fake/... \
	./runbook/apply/... ./runbook/journal/... ./runbook/check/... ./runbook/redact/...

# What cmd/stet must compile for, besides this machine.
PLATFORMS := linux/arm64 darwin/amd64 darwin/arm64 windows/amd64 windows/arm64

# What make release builds, and where.
RELEASES := linux/amd64 $(PLATFORMS)
RELEASE_DIR := dist/release

.DEFAULT_GOAL := help
.PHONY: help deps build agents release first remote lockout test test-vm check lint vet race vuln tidy cross bench fuzz fmt update generate cover picture hooks clean

help: ## list the targets
	@awk -F ':.*## ' '/^[a-z][a-z-]*:.*## /{printf "  %-10s %s\n", $$1, $$2}' $(MAKEFILE_LIST)

deps: ## install, or name, the programs that the tests use
	@GO="$(GO)" scripts/deps

build: agents ## build bin/stet, bin/stet-agent and the agents for other machines
	$(STATIC) -o bin/stet ./cmd/stet
	$(AGENT) -o bin/stet-agent ./cmd/stet-agent

agents: ## build the agents for other machines only
	GOOS=linux GOARCH=amd64 $(AGENT) -o $(AGENTS)/stet-agent-linux-amd64 ./cmd/stet-agent
	GOOS=linux GOARCH=arm64 $(AGENT) -o $(AGENTS)/stet-agent-linux-arm64 ./cmd/stet-agent
	scripts/pack $(AGENTS)/stet-agent-linux-amd64 $(AGENTS)/stet-agent-linux-arm64

release: ## build stet for every platform, with the agents inside, in dist/release
	@GO="$(GO)" scripts/release "$(VERSION)" "$(RELEASE_DIR)" $(RELEASES)

bin/stet: $(shell find cmd executors internal runbook templates -name '*.go' -o -name '*.md' 2>/dev/null) go.mod
	$(STATIC) -o bin/stet ./cmd/stet

first: bin/stet ## run examples/first in two sandboxes, as any user
	@examples/first/run

remote: build ## run examples/remote: two hosts behind a jump host, in namespaces (root)
	@examples/remote/run

lockout: build ## run examples/lockout: a change that cuts its own way in (root)
	@examples/lockout/run

test: deps ## run all tests, those of the network objects also on Debian's kernel
	@GO="$(GO)" $(GO) run ./scripts/gotest -timeout 45m $(PKG)
ifeq ($(PKG),./...)
	@GO="$(GO)" scripts/test-vm
endif

test-vm: deps ## run the tests of the network objects on Debian's kernel, in QEMU
	@GO="$(GO)" scripts/test-vm $(VMARGS)

check: lint vet tidy cross vuln race ## everything else that CI demands

$(GOLANGCI):
	@scripts/golangci "$(GO)" $(GOLANGCI_VERSION) $@

lint: $(GOLANGCI) ## golangci-lint, with the dependency rules of the design
	$(GOLANGCI) run

vet: ## go vet
	$(GO) vet ./...

race: deps ## tests of the packages that share state, with the race detector
	CGO_ENABLED=1 $(GO) test -race -timeout 30m $(RACE)

vuln: ## govulncheck, where it can be had
	@scripts/vuln "$(GO)"

tidy: ## check that go.mod names exactly what is used
	$(GO) mod tidy -diff

cross: ## build cmd/stet for every other platform, and vet its packages, tests too, for one
	@set -e; for p in $(PLATFORMS); do \
		echo "GOOS=$${p%/*} GOARCH=$${p#*/} go build ./cmd/stet"; \
		CGO_ENABLED=0 GOOS=$${p%/*} GOARCH=$${p#*/} $(GO) build -o /dev/null ./cmd/stet; \
	done
	export CGO_ENABLED=0 GOOS=darwin GOARCH=arm64; $(GO) vet $$($(GO) list -deps ./cmd/stet | grep '^stet/')

bench: ## run the benchmarks, with the programs that they compare with
	@GO="$(GO)" scripts/deps bench
	$(GO) test -run '^$$' -bench . -benchmem -timeout 60m $(PKG)

fuzz: ## run every fuzz target for FUZZTIME (30s)
	@set -e; for d in $$(git grep -l 'func Fuzz' -- '*_test.go' | xargs -n1 dirname | sort -u); do \
		for f in $$(sed -n 's/^func \(Fuzz[A-Za-z0-9_]*\).*/\1/p' $$d/*_test.go); do \
			echo "$$d $$f"; $(GO) test -run '^$$' -fuzz "^$$f$$" -fuzztime $(FUZZTIME) ./$$d; \
		done; \
	done

fmt: ## format the Go files
	gofmt -w $$(git ls-files '*.go')

update: ## rewrite golden files from what the code does now, to be read in the diff
	@set -e; for d in $$(git grep -lE 'flag\.Bool(Var)?\([^)]*"update"' -- '*_test.go' | xargs -n1 dirname | sort -u); do \
		echo "./$$d"; $(GO) test ./$$d -update; \
	done

generate: bin/stet ## reference pages, import graph, man pages, shell completions
	$(GO) generate ./...
	$(GO) test ./cmd/stet -run '^TestReference' -update
	$(GO) test ./docs -run '^TestImportGraph' -update
	bin/stet man dist/man
	mkdir -p dist/completions
	bin/stet completion bash > dist/completions/stet.bash
	bin/stet completion zsh > dist/completions/_stet
	bin/stet completion fish > dist/completions/stet.fish

cover: ## coverage of all tests, as coverage/index.html
	mkdir -p coverage
	$(GO) test -coverpkg=./... -coverprofile coverage/profile $(PKG)
	$(GO) tool cover -html coverage/profile -o coverage/index.html
	$(GO) tool cover -func coverage/profile | tail -1

picture: bin/stet ## draw docs/report.svg from a real run of examples/first
	@dir=$$(mktemp -d) && cp examples/first/runbook.md $$dir/ && \
	bin/stet run --yes --state-dir $$dir/state $$dir/runbook.md && \
	$(GO) run ./scripts/picture $$dir/runbook.md docs/report.svg && rm -r $$dir

hooks: ## have git refuse commits that are not formatted
	git config core.hooksPath .githooks

clean: ## remove what the other targets made
	rm -rf bin dist coverage cmd/stet/agents
