# The commands of this house. `make demo` and `make test` need only Python 3.11+, make and git.
# Everything is installed into .venv from hashed locks; nothing else on the machine is touched.

SHELL := /bin/sh
PYTHON ?= python3
VENV := .venv
BIN := $(VENV)/bin
export PIP_DISABLE_PIP_VERSION_CHECK := 1
export PYTHONDONTWRITEBYTECODE :=

.PHONY: help demo test lint bench soak screenshots docs lock clean check-python

help:
	@echo "make demo         start the practice range and open a page to try it"
	@echo "make test         everything that must hold, in under 15 minutes"
	@echo "make lint         ruff, mypy and the laws between the rooms"
	@echo "make bench        the figures: latency, memory"
	@echo "make soak         the long runs (PART=kills|scenarios|storms|scripts|late)"
	@echo "make docs         write the generated pages again"
	@echo "make lock         write the hashed locks again"

check-python:
	@command -v $(PYTHON) >/dev/null 2>&1 || { echo "rollup-bot needs Python 3.11 or newer, and there is no '$(PYTHON)' on the PATH." >&2; exit 1; }
	@$(PYTHON) -c 'import sys; sys.exit(sys.version_info < (3, 11))' || { echo "rollup-bot needs Python 3.11 or newer; '$(PYTHON)' is $$($(PYTHON) -c 'import sys; print(".".join(map(str, sys.version_info[:3])))')." >&2; exit 1; }
	@$(PYTHON) -c 'import venv, ensurepip' 2>/dev/null || { echo "This Python cannot make virtual environments; install its venv package (on Debian: apt-get install python3-venv)." >&2; exit 1; }

$(BIN)/python: | check-python
	@$(PYTHON) -m venv $(VENV) || { echo "The virtual environment $(VENV) could not be made." >&2; rm -rf $(VENV); exit 1; }

# The build backend comes from a lock too; the project itself is installed without its dependencies.
$(VENV)/.run: run.lock build.lock pyproject.toml | $(BIN)/python
	@echo "installing into $(VENV) (first time: about half a minute) …"
	@$(BIN)/python -m pip install -q --require-hashes -r build.lock
	@$(BIN)/python -m pip install -q --require-hashes -r run.lock
	@$(BIN)/python -m pip install -q --no-deps --no-build-isolation -e .
	@touch $@

$(VENV)/.test: test.lock $(VENV)/.run
	@echo "installing what the tests need …"
	@$(BIN)/python -m pip install -q --require-hashes -r test.lock
	@touch $@

demo: $(VENV)/.run
	@exec $(BIN)/rollup-bot lab

lint: $(VENV)/.test
	$(BIN)/ruff check .
	$(BIN)/ruff format --check .
	$(BIN)/mypy
	$(BIN)/lint-imports

test: lint
	$(BIN)/python -m pytest -n 4 $(ARGS)

bench: $(VENV)/.test
	$(BIN)/python -m tests.bench

soak: $(VENV)/.test
	$(BIN)/python -m tests.soak $(PART)

screenshots: $(VENV)/.test
	ROLLUP_SCREENSHOTS=docs $(BIN)/python -m pytest tests/browser/test_campaign.py -k mouse -q

docs: $(VENV)/.test
	$(BIN)/python -m tests.generated --write

# Written without annotations and headers, so that no registry's name stands in them.
lock: $(VENV)/.test
	$(BIN)/python -m uv pip compile -q --universal --generate-hashes --no-annotate --no-header --python-version 3.11 --extra lab -o run.lock pyproject.toml
	$(BIN)/python -m uv pip compile -q --universal --generate-hashes --no-annotate --no-header --python-version 3.11 --extra lab --extra test -c run.lock -o test.lock pyproject.toml
	printf 'setuptools>=77,<90\nwheel\n' | $(BIN)/python -m uv pip compile -q --universal --generate-hashes --no-annotate --no-header --python-version 3.11 -o build.lock -

clean:
	rm -rf $(VENV) build *.egg-info .pytest_cache .mypy_cache .ruff_cache
