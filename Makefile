# Everything a newcomer and CI do. `make` alone prints the list.

PORT ?= 8000
CANDIDATES ?= 300
WORKERS ?= auto
OPENSEARCH_PORT ?= 9200

PYTHON_OF_VENV := .venv/bin/python
REQUIREMENTS := pyproject.toml requirements-build.txt bin/setup
PURE := */policy.py,*/lifecycle.py,*/retention.py,marketplace/periods.py,marketplace/search/query.py,marketplace/search/facets.py,marketplace/search/url.py,indexer/extract.py

.DEFAULT_GOAL := help
.PHONY: help run test check format lint types contracts schema coverage bench setup opensearch opensearch-stop

help: ## Print this list
	@awk -F ':.*## ' '/^[a-z-]+:.*## / {printf "  make %-15s %s\n", $$1, $$2}' $(MAKEFILE_LIST)

run: .venv/.runtime ## Start the whole service with sample data (PORT=8000, RESET=1 starts anew, CANDIDATES=300)
	@exec $(PYTHON_OF_VENV) -m marketplace.cli run --port '$(PORT)' --candidates '$(CANDIDATES)' $(if $(filter-out 0,$(RESET)),--reset)

test: .venv/.dev ## Run the whole test suite (ARGS="-k words" for a part of it)
	@$(PYTHON_OF_VENV) -m pytest -n $(WORKERS) $(ARGS)

check: format lint types contracts schema coverage ## What CI runs: format, lint, types, import contracts, schema, tests with coverage

format: .venv/.dev
	@$(PYTHON_OF_VENV) -m ruff format --check

lint: .venv/.dev
	@$(PYTHON_OF_VENV) -m ruff check

types: .venv/.dev
	@$(PYTHON_OF_VENV) -m mypy

contracts: .venv/.dev
	@.venv/bin/lint-imports

schema: .venv/.dev
	@folder=$$(mktemp -d) && MARKETPLACE_DATA=$$folder DATABASE_URL= $(PYTHON_OF_VENV) -m marketplace.cli db check; \
	status=$$?; rm -rf "$$folder"; exit $$status

coverage: .venv/.dev
	@$(PYTHON_OF_VENV) -m pytest -n $(WORKERS) --cov --cov-report= $(ARGS)
	@$(PYTHON_OF_VENV) -m coverage report --include='$(PURE)' --fail-under=95

bench: .venv/.dev ## Run the benchmarks, short form (FULL=1 for the long one)
	@$(PYTHON_OF_VENV) -m bench $(if $(filter-out 0,$(FULL)),--full)

opensearch: ## Start a real OpenSearch node on loopback, without Docker (OPENSEARCH_PORT=9200)
	@OPENSEARCH_PORT='$(OPENSEARCH_PORT)' bin/opensearch start

opensearch-stop: ## Stop that node
	@OPENSEARCH_PORT='$(OPENSEARCH_PORT)' bin/opensearch stop

setup: .venv/.dev ## Install everything into .venv without running anything

.venv/.runtime: requirements.txt $(REQUIREMENTS)
	@bin/setup runtime

.venv/.dev: requirements.txt requirements-dev.txt $(REQUIREMENTS)
	@bin/setup dev
