# Everything sets itself up: `make serve` runs the service, `make test` runs every check and test.

SHELL := /bin/bash
.SHELLFLAGS := -eu -o pipefail -c
.DEFAULT_GOAL := help
.DELETE_ON_ERROR:

PYTHON ?= python3
VENV   := .venv
PEERS  := .venv-peers
GENERATORS := .venv-generators
BIN    := $(VENV)/bin
NODE   := tests/clients/node
NODE_PEERS := bench/peers/node
NPM    := NODE_USE_SYSTEM_CA=1 $(BIN)/npm --loglevel=error --prefix
PIP    := $(BIN)/pip --disable-pip-version-check --quiet

.PHONY: help
help: ## Show this list
	@grep -hE '^[a-z-]+:.*## ' $(MAKEFILE_LIST) | sed -E 's/:.*## /\t/' | expand -t 12

.PHONY: serve
serve: $(VENV)/.serve ## Run the service on 127.0.0.1:8470, data in ./data (settings: TOKENRY_* variables)
	@exec $(UNTIL_MAKE_ENDS) $(BIN)/tokenry serve
# However make ends, even by kill -9: the service does not stay behind, where the system can tell it.
UNTIL_MAKE_ENDS = $$(setpriv --pdeathsig TERM true 2>/dev/null && echo setpriv --pdeathsig TERM)

.PHONY: test
test: $(VENV)/.test ## Run every check, and every test but those of test-long
	$(MAKE) --no-print-directory --jobs=2 --output-sync=target check parts
	$(BIN)/python -m pytest -m "not long" -n 2 --dist worksteal $(MEASURED)

.PHONY: parts
parts: $(GENERATORS)/.installed $(NODE)/node_modules/.package-lock.json # what the tests run besides our own; without Debian's, some are skipped, loudly
	tools/debian-packages chromium curl fish haproxy nginx-light openssl pgbouncer redis-server zsh || [ "$${CI:-}" != true ]

.PHONY: coverage
coverage: MEASURED = --cov --cov-report=term  # which doubles what the tests cost
coverage: test ## Run every test of `test` and measure which lines and branches they reach

.PHONY: quick
quick: $(VENV)/.test ## Run the tests of one place, on SQLite: make quick T=tests/service K=rotate
	$(BIN)/python -m pytest --quick -m "not long" -n auto --dist worksteal -k "$(K)" $(T)
T := tests/domain tests/service

.PHONY: test-long
test-long: $(VENV)/.test ## Run the tests that take minutes: generated requests, every order of events, death at every step
	tools/debian-packages pgbouncer || [ "$${CI:-}" != true ]
	$(BIN)/python -m pytest -m long -n 2 --dist worksteal

.PHONY: check
check: $(VENV)/.test ## Run the linters, the type checker and the layer rules
	$(BIN)/ruff format --check .
	$(BIN)/ruff check .
	$(BIN)/mypy
	$(BIN)/lint-imports

.PHONY: docs
docs: $(VENV)/.test ## Build the documentation into docs/_build
	$(BIN)/sphinx-build --quiet --fail-on-warning --keep-going docs docs/_build

.PHONY: screenshots
screenshots: $(VENV)/.test ## Take a picture of every page of the console, into docs/_build/screenshots
	tools/debian-packages chromium
	$(BIN)/python -m docs.screenshots

.PHONY: bench
bench: $(VENV)/.test $(PEERS)/.installed $(NODE_PEERS)/node_modules/.package-lock.json ## Measure against nginx and peers, into bench/results (needs wrk, nginx and HAProxy; takes most of an hour)
	tools/debian-packages wrk nginx-light haproxy
	$(BIN)/python -m bench

.PHONY: format
format: $(VENV)/.test ## Format the code
	$(BIN)/ruff format .
	$(BIN)/ruff check --fix .

.PHONY: lock
lock: $(VENV)/.test ## Bring the lock files up to date with pyproject.toml
	$(PIP) install uv
	$(BIN)/uv pip compile --upgrade $(LOCK) --group serve pyproject.toml -o requirements/serve.txt
	$(BIN)/uv pip compile --upgrade $(LOCK) --group serve --group test -c requirements/serve.txt pyproject.toml -o requirements/test.txt
	$(BIN)/uv pip compile --upgrade $(LOCK_GROUP) --python-version 3.11 --group peers -o requirements/peers.txt
	$(BIN)/uv pip compile --upgrade $(LOCK_GROUP) --python-version 3.11 --group generators -o requirements/generators.txt
	$(NPM) $(NODE) update --package-lock-only
	$(NPM) $(NODE_PEERS) update --package-lock-only
LOCK_GROUP := --quiet --universal --generate-hashes --no-header --no-annotate --no-strip-extras
LOCK := $(LOCK_GROUP) --extra server --extra postgres --extra redis

.PHONY: clean
clean: ## Remove what make built, but never the data
	rm -rf $(VENV) $(GENERATORS) $(PEERS) $(NODE)/node_modules $(NODE_PEERS)/node_modules .mypy_cache .pytest_cache .ruff_cache .import_linter_cache .hypothesis docs/_build .coverage .coverage.*

# --- environments: from hashed lock files, again when those change -----------------------------------------------------

$(BIN)/python:
	@$(PYTHON) -c 'import sys; sys.exit(sys.version_info < (3, 11))' || \
		{ echo "tokenry needs Python 3.11 or newer; name one with make PYTHON=…" >&2; exit 1; }
	@$(PYTHON) -c 'import ensurepip' 2>/dev/null || tools/debian-packages python3-venv
	$(PYTHON) -m venv $(VENV)

$(VENV)/.serve: requirements/serve.txt pyproject.toml | $(BIN)/python
	$(PIP) install --require-hashes -r requirements/serve.txt
	$(PIP) install --no-deps --no-build-isolation --editable .
	@touch $@

$(VENV)/.test: requirements/test.txt $(VENV)/.serve
	$(PIP) install --require-hashes -r requirements/test.txt
	@touch $@

# What does not agree with our own libraries on the version of another.
$(GENERATORS)/.installed $(PEERS)/.installed: .venv-%/.installed: requirements/%.txt | $(BIN)/python
	$(PYTHON) -m venv .venv-$*
	.venv-$*/bin/pip --disable-pip-version-check --quiet install --require-hashes -r $<
	@touch $@

$(NODE)/node_modules/.package-lock.json $(NODE_PEERS)/node_modules/.package-lock.json: %/node_modules/.package-lock.json: %/package-lock.json | $(VENV)/.test
	$(NPM) $* ci
	@touch $@
