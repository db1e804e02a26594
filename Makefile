# `make serve` and `make test` are all a fresh machine needs. `make help` lists the rest.
SHELL := /bin/bash
PYTHON ?= python3
VENV := .venv
BIN := $(VENV)/bin
HOST ?= 127.0.0.1
PORT ?= 8000
export SHISHEN_PROFILE ?= embedded
# Tests and checks never trace and never see the settings of the person who runs them.
CLEAN := env -u LANGSMITH_API_KEY -u LANGSMITH_TRACING -u LANGSMITH_ENDPOINT -u LANGCHAIN_TRACING_V2 -u SHISHEN_PROFILE

.DEFAULT_GOAL := help
.PHONY: help setup serve ask test check fmt bench clean

help: ## list the commands
	@grep -hE '^[a-z-]+:.*##' $(MAKEFILE_LIST) | sed -E 's/:.*## /\t/' | awk -F'\t' '{printf "make %-8s %s\n", $$1, $$2}'

$(VENV)/.python: tools/check_python.sh
	@bash tools/check_python.sh "$(PYTHON)"
	@test -x $(BIN)/python || $(PYTHON) -m venv $(VENV)
	@touch $@

$(VENV)/.run: $(VENV)/.python pyproject.toml constraints.txt
	@echo "shishen: 正在安装依赖，第一次要一两分钟……"
	@$(BIN)/python -m pip install --quiet --disable-pip-version-check -c constraints.txt -e .
	@touch $@

$(VENV)/.dev: $(VENV)/.run
	@echo "shishen: 正在安装测试和检查要用的工具……"
	@$(BIN)/python -m pip install --quiet --disable-pip-version-check -c constraints.txt -e '.[test,lint]'
	@touch $@

setup: $(VENV)/.run ## own .venv with pinned dependencies

serve: $(VENV)/.run ## fetch what is missing, then serve on HOST:PORT (127.0.0.1:8000)
	@$(BIN)/shishen serve --host $(HOST) --port $(PORT)

test: $(VENV)/.dev ## install what the tests need, then run them all
	@$(CLEAN) bash tools/browser.sh
	@$(CLEAN) $(BIN)/shishen models pull
	$(CLEAN) $(BIN)/python -m pytest -q

check: $(VENV)/.dev ## format, lint, types, layers, README tables
	$(BIN)/ruff format --check .
	$(BIN)/ruff check .
	$(BIN)/mypy
	$(BIN)/lint-imports
	$(BIN)/python tools/readme_routes.py --check

fmt: $(VENV)/.dev ## format, and write the generated tables
	$(BIN)/ruff format .
	$(BIN)/ruff check --fix .
	$(BIN)/python tools/readme_routes.py

bench: $(VENV)/.dev ## benchmarks that need nothing but this checkout
	$(CLEAN) $(BIN)/python -m benchmarks.overhead
	$(CLEAN) $(BIN)/python -m benchmarks.grounding
	$(CLEAN) $(BIN)/python -m benchmarks.repeatability

clean: ## remove the virtual environment and caches of this checkout
	rm -rf $(VENV) .pytest_cache .mypy_cache .ruff_cache .import_linter_cache
