# Drydock's chores. `go test ./...` needs nothing but Go and skips, with a reason,
# what it would need more for; .ci/run brings all of that.
VERSION ?= $(shell git describe --tags --always --dirty 2>/dev/null || echo dev)
DIST ?= dist
PLATFORMS := linux/amd64 linux/arm64 darwin/amd64 darwin/arm64 windows/amd64 windows/arm64
LINTER := github.com/golangci/golangci-lint/v2/cmd/golangci-lint@v2.15.0
export CGO_ENABLED = 0

.PHONY: build test lint release image bench docs corpus prove confine fuzz new-rule

build: ## the program, into ./drydock
	go build -trimpath -ldflags '-s -w -X github.com/drydock-dev/drydock/internal/cli.version=$(VERSION)' -o drydock ./cmd/drydock

test: ## everything that can be tested here
	go test ./...

lint: ## golangci-lint at its pinned version
	go run $(LINTER) run ./...

release: ## archives with checksums for every platform, into DIST; signed by the key called SIGNER
	@set -e; mkdir -p $(DIST); rm -f $(DIST)/drydock_* $(DIST)/checksums.txt; \
	for p in $(PLATFORMS); do os=$${p%/*}; arch=$${p#*/}; exe=drydock; [ $$os = windows ] && exe=drydock.exe; \
	  dir=$(DIST)/drydock_$(VERSION)_$${os}_$${arch}; mkdir -p $$dir; echo "$$p"; \
	  GOOS=$$os GOARCH=$$arch go build -trimpath -buildvcs=false -ldflags '-s -w -X github.com/drydock-dev/drydock/internal/cli.version=$(VERSION)' -o $$dir/$$exe ./cmd/drydock; \
	  cp LICENSE NOTICE README.md $$dir/; \
	  tar -C $(DIST) --sort=name --owner=0 --group=0 --numeric-owner --mtime='@0' --mode=go=rX,u=rwX -cf - $$(basename $$dir) | gzip -n9 > $$dir.tar.gz; rm -r $$dir; \
	done; cd $(DIST) && sha256sum drydock_*.tar.gz > checksums.txt
	@[ -z "$(SIGNER)" ] || go run ./cmd/drydock trust file sign --signer $(SIGNER) $(DIST)/checksums.txt

IMAGE_ARCHES := amd64 arm64
image: ## our own container image and the extension for Docker Desktop, with their SBOMs, without a daemon, into DIST
	@set -e; d=$$(mkdir -p $(DIST) && cd $(DIST) && pwd); mkdir -p $$d/image; rev=$$(git rev-parse HEAD 2>/dev/null || true); programs= ; sboms= ; \
	for a in $(IMAGE_ARCHES); do \
	  GOOS=linux GOARCH=$$a go build -trimpath -buildvcs=false -ldflags '-s -w -X github.com/drydock-dev/drydock/internal/cli.version=$(VERSION)' -o $$d/image/drydock-$$a ./cmd/drydock; \
	  programs="$$programs $$a=$$d/image/drydock-$$a"; done; \
	make="go -C .ci/image run . -out $$d -version $(VERSION) -revision $$rev"; $$make $$programs > /dev/null; \
	go build -o $$d/image/drydock ./cmd/drydock; \
	for a in $(IMAGE_ARCHES); do \
	  (cd $$d && SOURCE_DATE_EPOCH=0 image/drydock sbom -q --platform linux/$$a -f cyclonedx -o image/$$a.cdx.json oci-dir://drydock.oci); \
	  sboms="$$sboms,$$a=$$d/image/$$a.cdx.json"; done; \
	$$make -sboms $$sboms $$programs; \
	rm -rf $$d/image/extension; cp -r packaging/extension $$d/image/; cp internal/server/web/static/style.css $$d/image/extension/ui/; \
	$$make -extension $$d/image/extension $$programs

bench: ## whole commands beside a peer: Docker, debootstrap; see bench/README.md
	./bench/run

docs: ## docs/ from the program and its code; the embedded advisories are `go generate ./internal/vuln/db`
	go test ./internal/cli -run TestDocs -update
	go test . -run TestLimits -update

corpus: ## the rules and their fixes over the Dockerfiles of DRYDOCK_SHARED; writes docs/corpus.md
	go test ./internal/repair -run TestCorpus -count=1 -v -update

ENGINES := current classic
prove: ## every end-to-end proof of prove/, on Docker Engines of its own; writes docs/proofs.md
	@set -e; for e in $(ENGINES); do \
	  .ci/engine/engine with $$e env DRYDOCK_PROVE=all go test ./prove -count=1 -v -timeout 2h -update; done

confine: ## workloads observed, confined and proved, on Docker Engines of its own; writes docs/confined.md and docs/overhead.md
	@set -e; for e in $(ENGINES); do \
	  .ci/engine/engine with $$e env DRYDOCK_CONFINE=all go test ./prove -run 'Engine(Confine|Overhead)' -count=1 -v -timeout 1h -update; done

fuzz: ## every fuzz test for FUZZTIME (22s) each; the first input that fails ends it, with its path
	.ci/fuzz

new-rule: ## the file of a new rule over Dockerfiles: make new-rule NAME=kebab-name [SET=instruction]
	@.ci/new-rule "$(NAME)" $(SET)
