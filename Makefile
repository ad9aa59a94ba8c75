# What a developer expects to find. `make demo` and `make test` need nothing but Python 3.11 or later.
.DEFAULT_GOAL := help
VWMON_STEPS ?= 1000000
.PHONY: help env demo test check nightly format bench coverage lock clean

help: ## Show this list
	@awk -F ':.*## ' '/^[a-z]+:.*## / { printf "  make %-10s %s\n", $$1, $$2 }' Makefile

env: ## Make .venv with everything, at the locked versions (PYTHON= names the interpreter)
	@PYTHON="$(PYTHON)" scripts/env

demo: env ## Show a simulated ward being watched
	@.venv/bin/vwmon demo

test: env ## Install what the tests need, then check everything
	@scripts/test-programs
	@scripts/check

check: env ## Check everything but the slow tests
	@scripts/check --fast

nightly: env ## Walk the work list through a million random steps (VWMON_STEPS= says how many)
	@VWMON_STEPS=$(VWMON_STEPS) .venv/bin/python -m pytest --quiet tests/property/test_alerts_machine.py

format: env ## Format and mend what can be mended
	@.venv/bin/ruff check --quiet --fix-only .
	@.venv/bin/ruff format --quiet .
	@.venv/bin/python scripts/document_commands.py
	@.venv/bin/python scripts/document_pathways.py
	@scripts/safety-case --partial
	@.venv/bin/python -m tests.guides.screens

bench: env ## Measure against named peers; each script ends with a line of JSON
	@scripts/test-programs
	@set -e; for name in ingest flood start work_list score_ward ward_day kernels trends; do echo "== $$name"; .venv/bin/python "benchmarks/$$name.py"; done

coverage: env ## Which lines the tests do not reach
	@.venv/bin/coverage run -m pytest --quiet
	@.venv/bin/coverage report

lock: env ## Pin the dependencies again
	@scripts/lock

clean: ## Remove everything that was made here
	@rm -rf .venv build dist .mypy_cache .ruff_cache .pytest_cache .hypothesis .import_linter_cache .coverage .fuzz .mutate
	@find . -name __pycache__ -type d -prune -exec rm -rf {} +
