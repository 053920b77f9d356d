# 一门 Yimen. `make` lists the targets. Nothing but Python (3.11+) and make is needed to begin.
PYTHON     ?= python3
HOUSEHOLDS ?= 300
SEED       ?= 1
SEEDS      ?= 1..50
MONTHS     ?= 3
PREVIOUS   ?=
BIN        := .venv/bin
READY      := .venv/ready
BENCH      := .venv/bench

.DEFAULT_GOAL := help
.PHONY: help demo up down test simulate faults bench quick check lint types contracts proto compose clean

help: ## this list
	@grep -E '^[a-z]+:.*##' $(MAKEFILE_LIST) | sed -E 's/:.*## /\t/' | expand -t 12

$(READY): pyproject.toml constraints.txt deploy/venv.sh $(shell find protos -name '*.proto')
	@PYTHON="$(PYTHON)" sh deploy/venv.sh .venv
	@touch $@

demo: $(READY) ## a month of casework in one process (HOUSEHOLDS=300 SEED=1)
	@$(BIN)/yimen demo --households $(HOUSEHOLDS) --seed $(SEED)

up: $(READY) ## every service as its own processes on RabbitMQ and PostgreSQL
	@$(BIN)/yimen up

down: $(READY) ## stop what `make up` started
	@$(BIN)/yimen down

test: $(READY) ## all tests, on the embedded bus and on a real RabbitMQ and PostgreSQL
	@$(BIN)/python -m pytest -n 2 --dist loadgroup --durations=8

simulate: $(READY) ## months with mishaps, deterministic from their seeds (SEEDS=1..50 HOUSEHOLDS=20)
	@$(BIN)/yimen simulate --seeds $(SEEDS) --households $(if $(filter file,$(origin HOUSEHOLDS)),20,$(HOUSEHOLDS))

faults: $(READY) ## random faults under the real stack (SEED=1 MONTHS=3 PREVIOUS=<commit of the release before>)
	@$(BIN)/python -m pytest -s tests/faults --fire-long --fire-seed $(SEED) --fire-seeds $(MONTHS) --fire-previous "$(PREVIOUS)"

$(BENCH): $(READY)
	@PIP_CONSTRAINT=constraints.txt $(BIN)/python -m pip install --quiet --disable-pip-version-check --editable '.[bench]'
	@touch $@

bench: $(BENCH) ## ratios against peers in one run, to var/bench/report.json
	@$(BIN)/python -m tests.bench

quick: $(READY) ## only the tests that need no server
	@$(BIN)/python -m pytest -m "not stack"

check: lint types contracts proto compose ## every check that is not a test

lint: $(READY)
	@$(BIN)/ruff check .

types: $(READY)
	@$(BIN)/mypy

contracts: $(READY)
	@$(BIN)/lint-imports --no-cache

proto: $(READY)
	@cd protos && ../$(BIN)/buf lint
	@sh deploy/breaking.sh $(BIN)/buf

compose: $(READY)
	@$(BIN)/yimen compose --check
	@$(BIN)/yimen helm --check
	@$(BIN)/yimen feed asyncapi --check
	@$(BIN)/yimen monitoring --check

clean: ## remove everything that was made here
	rm -rf .venv build var .mypy_cache .ruff_cache .hypothesis
