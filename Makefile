# Two commands do all their own set-up on a fresh clone: `make demo` and `make test`.

PYTHON ?= $(shell command -v python3.11 || command -v python3)
VENV := .venv
BIN := $(VENV)/bin
PIP := $(BIN)/python -m pip --disable-pip-version-check install --quiet -c constraints.txt

.PHONY: help demo test test-slow check format test-campaigns docs bench clean

help:
	@echo "make demo       set up, train on the embedded digits, classify one of them"
	@echo "make test       set up, run the tests with coverage"
	@echo "make check      formatting, lint, types"
	@echo "make docs       build the documentation into site/"
	@echo "make format     let ruff rewrite the code"
	@echo "make test-slow  the long campaigns"
	@echo "make test-campaigns  kill, damage and starve training runs (Linux, strace, root)"
	@echo "make bench      measure every speed claim beside its peers (results in bench/results/)"

$(VENV)/core: pyproject.toml constraints.txt
	@test -n "$(PYTHON)" || { echo "Striate needs Python 3.11 or newer: make PYTHON=/path/to/python3.11"; exit 1; }
	@echo "Making $(VENV) and installing the pinned dependencies (PyTorch is large: this takes a minute or more)"
	@$(PYTHON) -m venv $(VENV)
	@$(PIP) -e .
	@touch $@

$(VENV)/dev: $(VENV)/core
	@echo "Adding the pinned tools"
	@$(PIP) -e '.[dev]'
	@touch $@

demo: $(VENV)/core
	$(BIN)/python examples/demo.py

test: $(VENV)/dev
	OMP_NUM_THREADS=1 $(BIN)/python -m pytest -n auto --dist loadfile --cov --cov-report=term

test-slow: $(VENV)/dev
	$(BIN)/python -m pytest -m slow

test-campaigns: $(VENV)/dev
	$(BIN)/python bench/campaigns/run_all.py

check: $(VENV)/dev
	$(BIN)/ruff format --check .
	$(BIN)/ruff check .
	$(BIN)/mypy

format: $(VENV)/dev
	$(BIN)/ruff format .
	$(BIN)/ruff check --fix .

docs: $(VENV)/dev
	$(BIN)/mkdocs build --strict --quiet

bench: $(VENV)/dev
	$(BIN)/python bench/run_all.py

clean:
	rm -rf $(VENV) site .mypy_cache .pytest_cache .ruff_cache .coverage htmlcov
