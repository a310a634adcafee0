# smidgen on a fresh machine with Python 3.11 or newer: `make demo`, then `make test`.

PYTHON ?= python3
VENV := .venv
BIN := $(VENV)/bin

.PHONY: help demo test check docs picture clean

help:
	@echo "make demo     install, make a digit classifier for a microcontroller, and try it"
	@echo "make test     install what developers need, and run all checks and tests"
	@echo "make check    the checks alone: ruff, mypy, lint-imports"
	@echo "make docs     write docs/cli.md anew"
	@echo "make picture  write docs/pictures/report.png anew from the report of the demo"
	@echo "make clean    remove all that these commands made"

demo: $(VENV)/.train
	$(BIN)/smidgen fit mnist-5k --device cortex-m4 --out demo/digits
	$(BIN)/python docs/demo.py demo/digits

test: check
	OMP_NUM_THREADS=1 $(BIN)/pytest -n 2

check: $(VENV)/.dev
	$(BIN)/ruff check
	$(BIN)/ruff format --check
	$(BIN)/mypy
	$(BIN)/lint-imports --no-logo

docs: $(VENV)/.dev
	$(BIN)/python docs/generate_cli.py

picture:
	bash docs/picture.sh demo/digits/report.html

clean:
	rm -rf $(VENV) demo build dist src/*.egg-info .hypothesis .*_cache
	find . -name __pycache__ -type d -prune -exec rm -rf {} +

# An empty file in the environment stands for what is installed there, so that it is done once.
$(VENV)/.%: $(VENV)/.python pyproject.toml constraints.txt
	$(BIN)/python -m pip install --quiet -c constraints.txt -e ".[$*]"
	@touch $@

$(VENV)/.python:
	@command -v $(PYTHON) >/dev/null || { echo "There is no $(PYTHON). Install Python 3.11 or newer." >&2; exit 1; }
	@$(PYTHON) -c 'import sys; sys.exit(sys.version_info < (3, 11))' || { \
		echo "smidgen needs Python 3.11 or newer; $(PYTHON) is $$($(PYTHON) -V 2>&1)." >&2; \
		echo "If a newer one is installed, name it: make PYTHON=python3.12" >&2; exit 1; }
	$(PYTHON) -m venv $(VENV)
	@touch $@
