# The commands of the project. Each installs what it needs into .venv, from locked and hashed requirements.

PYTHON ?= python3
WORKERS ?= 2

VENV := .venv
RUN := $(VENV)/bin/python
BUILD := pyproject.toml requirements/runtime.txt

# uv where it is there and works, pip otherwise: both refuse what has no known hash, and neither downloads another build
# back end than the locked one.
export UV_SYSTEM_CERTS ?= 1
MAKE_VENV = $(PYTHON) -m venv $(VENV) || uv venv --quiet --allow-existing --python "$$(command -v $(PYTHON))" $(VENV)
INSTALL = sh tools/install.sh $(RUN)
LOCK = uv pip compile --quiet --upgrade --universal --python-version 3.11 --generate-hashes --no-header --no-annotate
INSTALL_PROJECT = $(INSTALL) --no-deps --no-build-isolation --editable .

.DEFAULT_GOAL := help
.DELETE_ON_ERROR:
.PHONY: help demo test lint format faults fuzz bench bench-long docs quality lock clean

help: ## Show this list.
	@awk -F ':.*## ' '/^[a-z-]+:.*## /{printf "  make %-10s %s\n", $$1, $$2}' Makefile

demo: $(VENV)/runtime ## Install, then learn and judge a simulated fleet; the result is in demo-output/.
	rm -rf demo-output
	$(VENV)/bin/leeway demo --seed 1 --write demo-output/scored --output-dir demo-output/state

test: $(VENV)/dev ## Install, then run the tests with branch coverage (90 % at least).
	$(RUN) -m pytest -n $(WORKERS) --cov --cov-fail-under=90 --cov-report=term

lint: $(VENV)/dev ## Check style, types and which room imports which.
	$(VENV)/bin/ruff check .
	$(VENV)/bin/ruff format --check .
	$(VENV)/bin/mypy
	$(VENV)/bin/lint-imports

format: $(VENV)/dev ## Format the code and apply the safe fixes.
	$(VENV)/bin/ruff check --fix .
	$(VENV)/bin/ruff format .

faults: $(VENV)/dev ## Break the code on purpose, once a patch of tests/faults; the tests must notice.
	$(RUN) tools/faults.py --workers $(WORKERS)

fuzz: $(VENV)/dev ## Run the laws with many more examples.
	$(RUN) -m pytest -n $(WORKERS) -m "not slow" --hypothesis-profile=fuzz

bench: $(VENV)/bench ## Measure speed and size beside their peers, and findings on real captures (LEEWAY_DATA).
	$(RUN) tools/bench.py

bench-long: $(VENV)/bench ## The same with 100 million rows as well.
	$(RUN) tools/bench.py --long

docs: $(VENV)/dev ## Write anew the pages that are made from the code.
	$(RUN) tools/detector_docs.py
	$(RUN) tools/source_docs.py
	$(RUN) tools/cli_docs.py
	$(RUN) tools/benchmark_docs.py

quality: $(VENV)/runtime ## Measure the demo on six fleets and write docs/quality.md.
	$(RUN) tools/quality.py

lock: ## Resolve the requirements anew, with hashes, for Python 3.11 to 3.14 on Linux and macOS (needs uv).
	$(LOCK) pyproject.toml requirements/build.in --output-file requirements/runtime.txt
	$(LOCK) pyproject.toml requirements/build.in --all-extras --group test --group lint --output-file requirements/dev.txt
	$(LOCK) --group bench --output-file requirements/bench.txt

clean: ## Remove the environment, caches and everything that was produced.
	rm -rf $(VENV) build dist demo-output
	rm -rf .coverage .coverage.* .hypothesis .import_linter_cache .mypy_cache .pytest_cache .ruff_cache
	find . -name __pycache__ -type d -prune -exec rm -rf {} +

$(VENV)/made: tools/require_python.py
	$(PYTHON) tools/require_python.py
	$(MAKE_VENV)
	@touch $@

$(VENV)/runtime: $(VENV)/made $(BUILD)
	$(INSTALL) --require-hashes --requirement requirements/runtime.txt
	$(INSTALL_PROJECT)
	@touch $@

$(VENV)/dev: $(VENV)/made $(BUILD) requirements/dev.txt
	$(INSTALL) --require-hashes --requirement requirements/dev.txt
	$(INSTALL_PROJECT)
	@touch $@ $(VENV)/runtime

$(VENV)/bench: $(VENV)/dev requirements/bench.txt requirements/harombe.txt
	$(INSTALL) --require-hashes --requirement requirements/bench.txt
	$(INSTALL) --require-hashes --no-deps --requirement requirements/harombe.txt
	@touch $@
