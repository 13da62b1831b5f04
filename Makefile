# Every verb sets up what it needs in .venv first; nothing else on the machine is touched.
PYTHON ?= python3
BIN := .venv/bin
UV := $(shell command -v uv 2>/dev/null)

.PHONY: help setup demo test fast lint format bench faults chaos fuzz clean

help:            ## show this list
	@grep -E '^[a-z]+:.*##' Makefile | sed 's/:.*##/ —/'

setup: .venv/ready   ## create .venv with the pinned versions

.venv/ready: pyproject.toml constraints.txt
	@$(PYTHON) -c 'import sys; sys.exit(sys.version_info < (3, 11))' || \
	  { echo "Driftline needs Python 3.11 or newer, but $(PYTHON) is $$($(PYTHON) -V); name another: make setup PYTHON=python3.12"; exit 1; }
ifdef UV
	uv venv --quiet --allow-existing --python $(PYTHON) .venv
	uv pip install --quiet --python $(BIN)/python --constraint constraints.txt --editable '.[server,dev]'
else
	$(PYTHON) -m venv .venv
	$(BIN)/python -m pip install --quiet --constraint constraints.txt --editable '.[server,dev]'
endif
	@touch $@

demo: setup      ## see it work: a simulated bot gets worse, and an alert says so (ARGS="--seconds 90 --no-browser")
	$(BIN)/driftline demo $(ARGS)

test: setup      ## lint, types and all tests, beside each other
	@$(MAKE) --no-print-directory lint & lint=$$!; \
	$(BIN)/pytest -n auto --dist worksteal $(ARGS); tests=$$?; \
	wait $$lint || { echo "lint or types failed, see above"; exit 1; }; exit $$tests

fast: setup      ## the tests without Kafka, browser, kills and restarts
	$(BIN)/pytest -n auto --dist worksteal -m 'not kafka and not browser and not slow' $(ARGS)

lint: setup      ## style, types and the direction of imports
	$(BIN)/ruff check .
	$(BIN)/ruff format --check .
	$(BIN)/mypy
	$(BIN)/lint-imports

format: setup    ## put the code into the one style
	$(BIN)/ruff check --fix .
	$(BIN)/ruff format .

bench: setup     ## all benchmarks, in their short form
ifdef UV
	uv pip install --quiet --python $(BIN)/python --constraint constraints.txt --editable '.[bench]'
else
	$(BIN)/python -m pip install --quiet --constraint constraints.txt --editable '.[bench]'
endif
	for file in benchmarks/*.py; do $(BIN)/python $$file --quick || exit 1; done

faults: setup    ## 200 rounds of faults against a Kafka of three nodes, and 200 against the channels of alerts (ARGS="--rounds 20 --seed 7 --minutes 15")
	$(BIN)/python -m tests.faults $(ARGS)
	$(BIN)/python -m tests.faults.delivery $(ARGS)

chaos: setup     ## an application records 100,000 calls while its bus dies ten times (ARGS="--calls 12000 --restarts 3 --seed 7")
	$(BIN)/python -m tests.chaos $(ARGS)

fuzz: setup      ## a million damaged messages at ingest and receiver (ARGS="--messages 10000 --seed 7")
	$(BIN)/python -m tests.fuzz $(ARGS)

clean:           ## remove what was installed and built here
	rm -rf .venv dist .mypy_cache .ruff_cache .pytest_cache .import_linter_cache
