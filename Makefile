# A table of contents: each target is one script. `make help` lists them.
# CLUSTER=kind|dev|current chooses the cluster: kind where Docker runs and kind is installed, else
# the development cluster. The current context is used only if CLUSTER=current says so.
SHELL := bash
.DEFAULT_GOAL := help
.NOTPARALLEL:
CLUSTER ?=
export CLUSTER

.PHONY: help
help: ## List these targets
	@awk -F ':.*## ' '/^[a-z0-9-]+:.*## / { printf "  make %-14s %s\n", $$1, $$2 }' $(MAKEFILE_LIST)

.PHONY: demo
demo: ## Set everything up and show all four shapes at work on a cluster
	@scripts/demo.sh

.PHONY: test
test: ## Set everything up and run every check and test (e2e needs root)
	@scripts/test.sh

.PHONY: build
build: ## Build the maquette command into bin/, and the workload
	@scripts/setup.sh build
	@scripts/binaries.sh target/image/out

.PHONY: generate
generate: ## Regenerate the generated files: CRD, manifests, chart, golden files
	@scripts/generate.sh

.PHONY: image
image: ## Build both images into target/images/
	@scripts/image.sh

.PHONY: cluster
cluster: ## Get a cluster, with the images loaded
	@scripts/cluster.sh up
	@scripts/image.sh
	@scripts/cluster.sh load

.PHONY: clean-cluster
clean-cluster: ## Remove the cluster that `make cluster` or `make demo` made
	@scripts/cluster.sh down

.PHONY: kubeconfig
kubeconfig: ## Print the path of the kubeconfig in use
	@scripts/cluster.sh kubeconfig

.PHONY: install
install: cluster ## Install the operator from manifests/install.yaml and wait until it runs
	@scripts/install.sh

.PHONY: uninstall
uninstall: ## Remove all Architectures, then the operator and the CustomResourceDefinition
	@scripts/uninstall.sh

.PHONY: e2e
e2e: ## Run the end-to-end tests on a cluster of their own
	@scripts/e2e.sh

.PHONY: bench
bench: ## Measure the workload beside Redis and a bare HTTP server
	@scripts/bench.sh

.PHONY: bench-operator
bench-operator: ## Measure time, CPU and memory of the operator beside bare writes
	@scripts/bench-operator.sh

.PHONY: tools
tools: ## Build what the tests and the development cluster need into bin/
	@scripts/tools.sh
