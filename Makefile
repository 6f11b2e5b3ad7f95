# `make help` lists the targets. Everything is installed into .venv from the hashed lists in requirements/.
PYTHON ?= python3
VENV   := .venv
BIN    := $(VENV)/bin

# The rows of docs/reference/reliability.md; row 33 is a story of its own, row 3 has one with a restored backup.
CAMPAIGN ?= tests/reliability tests/functional/test_secrets_stay_secret.py tests/integration/test_restored_backup.py

# The controls of everything else: faults planted in a copy of the product that its tests must find.
CONTROLS ?= tests/spec/test_spec_controls.py tests/functional/test_tamper_matrix_controls.py \
  $(wildcard tests/unit/*/test_*_controls.py)

# A client library of others, for Node: two tests let it go the whole way.
FOREIGN := .interop/oauth4webapi/stamp

# Python writes bytecode even where the environment says no: a run starts it hundreds of times.
unexport PYTHONDONTWRITEBYTECODE

# Bounds on time are held first and alone: beside another test they would say how busy the machine is. Then all others,
# three at a time: they wait for locks, disks and clocks about a third of theirs.
LARGE = @status=0; \
  $(BIN)/pytest --size=$@ --durations=10 -m measured $(CAMPAIGN) || status=$$?; \
  $(BIN)/pytest -n 3 --dist loadgroup --size=$@ --durations=25 -m "not measured" $(CAMPAIGN) || status=$$?; \
  exit $$status

.DEFAULT_GOAL := help
.PHONY: help run screenshots clean-sandbox test test-both test-interop ha-test campaign controls soak steady bench bench-peers bench-scale sim coverage check fix lock

help: ## list the targets
	@grep -hE '^[a-z-]+:.*##' $(MAKEFILE_LIST) | awk -F ':.*## ' '{printf "  make %-14s %s\n", $$1, $$2}'

run: $(VENV)/run.stamp ## start the sandbox world: broker, two banks, a chat platform (Ctrl-C stops it)
	@$(BIN)/broker sandbox up

clean-sandbox: $(VENV)/run.stamp ## forget the sandbox's data, keys and passwords
	@$(BIN)/broker sandbox clean

test: $(VENV)/dev.stamp $(FOREIGN) ## run the tests
	@$(BIN)/pytest -n 2 --dist loadgroup $(TESTS)

campaign: $(VENV)/dev.stamp ## run the larger samples of the reliability rows, each with its control (up to 45 minutes)
	$(LARGE)

controls: $(VENV)/dev.stamp ## plant faults in a copy of the product: the tests must find each
	@$(BIN)/pytest -n 2 --dist loadgroup --size=campaign $(CONTROLS)

soak: steady ## half an hour of 150 calls a second, then the largest samples (hours)
	$(LARGE)

steady: $(VENV)/dev.stamp ## only the half hour: answered and logged whole, without growing (STEADY="--seconds 60" for less, "--database both" for PostgreSQL too)
	@$(BIN)/python -m tests.bench.steady --seconds 1800 --database sqlite $(STEADY)

test-both: $(VENV)/dev.stamp ## run the tests, those with a database all on SQLite and on PostgreSQL
	@$(BIN)/pytest -n 2 --dist loadgroup --database=both $(TESTS)

test-interop: $(VENV)/dev.stamp ## have the verifiers of others (Go, npm) judge our notes and proofs; installs them
	@sh tests/interop/install.sh $(BIN)/python
	@$(BIN)/pytest -m interop tests/interop

ha-test: $(VENV)/dev.stamp .ha/stamp ## kill the primary of three PostgreSQL machines (Patroni) under load: nothing may be lost (3 minutes)
	@$(BIN)/pytest -n 0 -m ha tests/ha

bench: bench-peers ## measure calls beside others' work, where their time goes, a minute of steady load, the log and a decision (about 15 minutes)
	@$(BIN)/python -m tests.bench.profiling
	@$(BIN)/python -m tests.bench.steady --seconds 60 --database postgresql || echo "(a goal that is missed)"
	@failed=0; for part in "steady --seconds 60 --database sqlite" "appending $(BENCH)" verifying deciding; do \
	  $(BIN)/python -m tests.bench.$$part || failed=1; done; exit $$failed

bench-peers: $(VENV)/dev.stamp .bench/django.stamp .bench/oidc_provider/stamp ## only the calls beside others' work: ratios, as JSON, Markdown and a plot in .bench/results
	@$(BIN)/python -m tests.bench.peers $(PEERS)

bench-scale: $(VENV)/dev.stamp ## compare a million grants and ten million entries with an empty database (40 GB of disk for each kind, hours; SCALE="--grants 40000 --entries 400000" for less)
	@$(BIN)/python -m tests.bench.growth $(SCALE)

sim: $(VENV)/dev.stamp ## simulate harvests and honest years against the harvest limits, and draw them (about 10 minutes on two cores)
	@$(BIN)/python -m tests.simulation --plots .sim $(SIM)

screenshots: $(VENV)/dev.stamp ## draw the pictures of docs/img anew: a sandbox, driven by a browser (needs Chromium)
	@$(BIN)/python -m tests.screenshots $(PICTURES)

coverage: $(VENV)/dev.stamp ## run the tests and measure the coverage of the trusted core
	@$(BIN)/pytest -n 2 --dist loadgroup --cov --cov-report=term-missing:skip-covered $(TESTS)

check: $(VENV)/dev.stamp ## lint, types, layers, docs, policies
	@$(BIN)/ruff check .
	@$(BIN)/ruff format --check .
	@$(BIN)/mypy
	@$(BIN)/lint-imports
	@$(BIN)/pytest -q -p no:randomly --no-header tests/architecture
	@$(BIN)/broker policy check
	@$(BIN)/broker policy test
	@$(BIN)/broker policy format --check

fix: $(VENV)/dev.stamp ## format, and mend what the linter can mend
	@$(BIN)/ruff format .
	@$(BIN)/ruff check --fix .

lock: $(VENV)/dev.stamp ## resolve the newest versions into requirements/*.txt (needs `uv`)
	uv pip compile -q --universal --python-version 3.11 --generate-hashes --no-header --no-annotate --upgrade \
	  --extra sandbox pyproject.toml requirements/build.in -o requirements/run.txt
	uv pip compile -q --universal --python-version 3.11 --generate-hashes --no-header --no-annotate \
	  --constraint requirements/run.txt --extra sandbox --extra dev pyproject.toml requirements/build.in -o requirements/dev.txt
	uv pip compile -q --universal --python-version 3.11 --generate-hashes --no-header --no-annotate \
	  --constraint requirements/run.txt requirements/ha.in -o requirements/ha.txt

$(FOREIGN): tests/interop/oauth4webapi/package.json tests/interop/oauth4webapi/package-lock.json
	@mkdir -p $(@D) && cp $^ $(@D)
	@if command -v npm >/dev/null 2>&1 && cd $(@D) && npm ci --ignore-scripts --no-audit --no-fund --silent; \
	  then touch stamp; else echo "oauth4webapi could not be installed: the tests with it are left out."; fi

# Patroni has a folder of its own: the broker needs none of it, and is tested without it.
.ha/stamp: requirements/ha.txt | $(VENV)/dev.stamp
	@echo "Installing $< ..."
	@rm -rf .ha/packages
	@$(BIN)/pip install --quiet --disable-pip-version-check --no-deps --require-hashes --target .ha/packages -r $<
	@touch $@

# The peers of the benchmark have folders of their own: the broker needs none of them.
.bench/django.stamp: requirements/bench.txt | $(VENV)/dev.stamp
	@echo "Installing $< ..."
	@rm -rf .bench/django && mkdir -p .bench
	@$(BIN)/pip install --quiet --disable-pip-version-check --no-deps --require-hashes --target .bench/django -r $<
	@touch $@

.bench/oidc_provider/stamp: $(wildcard tests/bench/peers/oidc_provider/*)
	@mkdir -p $(@D) && cp $^ $(@D)
	@if command -v npm >/dev/null 2>&1 && cd $(@D) && npm ci --ignore-scripts --no-audit --no-fund --silent; \
	  then touch stamp; else echo "oidc-provider could not be installed: its rows are left out."; fi

$(VENV)/run.stamp: requirements/run.txt pyproject.toml
	@sh requirements/make-venv.sh "$(PYTHON)" "$(VENV)" requirements/run.txt
	@touch $@

$(VENV)/dev.stamp: requirements/dev.txt pyproject.toml
	@sh requirements/make-venv.sh "$(PYTHON)" "$(VENV)" requirements/dev.txt
	@touch $@ $(VENV)/run.stamp
