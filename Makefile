# Every target that runs our code depends on $(STAMP): the virtual environment, built once from the locked and
# hashed requirements, and again when they change. A machine needs Python >= 3.11 and make, nothing else.

PYTHON ?= $(shell for p in python3 python3.13 python3.12 python3.11 python3.14; do \
	command -v $$p >/dev/null 2>&1 && $$p -c 'import sys; sys.exit(not (3,11) <= sys.version_info[:2] <= (3,14))' 2>/dev/null \
	&& { command -v $$p; break; }; done)
BIN := .venv/bin
STAMP := .venv/.locked
# Keep every command of ours off a real account: the local stack needs credentials of any kind, not yours.
export PULUMI_CONFIG_PASSPHRASE ?=
# A shell that forbids bytecode caches would have every process compile the whole package anew.
unexport PYTHONDONTWRITEBYTECODE

.DEFAULT_GOAL := help
.PHONY: help setup demo test test-all check format bench serve lock docs clean moto-suite

help:            ## this list
	@grep -E '^[a-z-]+: .*##' $(MAKEFILE_LIST) | sed -E 's/:.*##/\t/' | expand -t 14

setup: $(STAMP)  ## build .venv from the locked requirements

$(STAMP): requirements/dev.txt pyproject.toml
	@test -n "$(PYTHON)" || { echo "batchiac needs Python 3.11 to 3.14 on PATH; install it, or call make PYTHON=/path/to/python3"; exit 64; }
	$(PYTHON) -m venv .venv
	$(BIN)/python -m pip install --quiet --disable-pip-version-check --require-hashes -r requirements/dev.txt
	$(BIN)/python -m pip install --quiet --disable-pip-version-check --no-deps --no-build-isolation -e .
	@touch $(STAMP)

demo: $(STAMP)   ## local stack in-process: preview, up, a workload verified, no-change preview, destroy
	$(BIN)/batchiac demo

test: $(STAMP)   ## the tests that CI runs
	$(BIN)/python -m pytest -n 2 --dist worksteal -m "not slow"

test-all: $(STAMP) ## every test, the slow ones too (each says why)
	$(BIN)/python -m pytest -n 2 --dist worksteal

check: $(STAMP)  ## format, lint, types, generated files up to date
	$(BIN)/ruff format --check .
	$(BIN)/ruff check .
	$(BIN)/mypy
	$(BIN)/python scripts/generate_docs.py --check

format: $(STAMP)
	$(BIN)/ruff format .
	$(BIN)/ruff check --fix .

docs: $(STAMP)   ## write the generated pages and tables anew
	$(BIN)/python scripts/generate_docs.py

bench: $(STAMP)  ## one JSON line a figure
	$(BIN)/python -m benchmarks

moto-suite: $(STAMP) ## moto's own Batch tests against ours: make moto-suite MOTO_CHECKOUT=dir
	$(BIN)/python scripts/moto_suite.py "$(MOTO_CHECKOUT)"

serve: $(STAMP)  ## the local stack's server on 127.0.0.1:4566
	$(BIN)/batchiac serve

lock:            ## compile requirements/dev.txt anew (needs uv)
	uv pip compile --universal --python-version 3.11 --generate-hashes --no-emit-index-url --no-emit-find-links \
		--no-header --no-annotate --extra local --extra report --extra policy pyproject.toml requirements/dev.in \
		-o requirements/dev.txt

clean:
	rm -rf .venv .mypy_cache .ruff_cache .pytest_cache .hypothesis build dist
