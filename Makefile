# What a person does with zanstat. Everything is installed into .venv; all state lives under ZANSTAT_HOME.
# Needs only Python 3.11 with venv, make and git.

export ZANSTAT_HOME := $(abspath $(or $(ZANSTAT_HOME),var))

PYTHON ?= $(firstword $(foreach name,python3.11 python3 python3.12 python3.13,$(shell command -v $(name) \
    && $(name) -c 'import sys; sys.exit(sys.version_info < (3, 11))' 2>/dev/null || :)))
BIN := .venv/bin
ZANSTAT := $(BIN)/zanstat
PIP := $(BIN)/python -m pip install --disable-pip-version-check --require-hashes --no-deps --no-compile --quiet
# On every core and without packages' own tests; pip would compile all of it on one core, a third of an installation.
COMPILE := $(BIN)/python -m compileall -qq -j 0 -x '/tests?/' .venv/lib >&2 || :
STATE := inbox archive outbox dagster data_docs keys intake checkpoints dbt demo bench
MADE := .venv dbt_project/target dbt_project/logs .mypy_cache .ruff_cache .pytest_cache .hypothesis
LINTED := $(wildcard ingestion expectations orchestration tests bench)

.DEFAULT_GOAL := help
.PHONY: help run dev nightly url stop clean setup setup-dev test test-long bench lint format lock

help:  ## this list
	@sed -n 's/^\([a-z-]*\):.*##\(.*\)/\1 \2/p' $(MAKEFILE_LIST) | awk '{name = $$1; $$1 = ""; printf "  make %-11s%s\n", name, $$0}'

run: setup  ## demonstration packages (or REAL=<folder>) from inbox to marts, and a summary
	@$(ZANSTAT) run $(if $(REAL),--real $(REAL))

dev: setup  ## the Dagster interface
	@$(ZANSTAT) dev

nightly: setup  ## judge and build what lies unjudged; DAY=YYYY-MM-DD, else today with the inbox received
	@$(ZANSTAT) nightly $(if $(DAY),--day $(DAY))

url: setup  ## one libpq URL of the database; ROLE=analyst for the read-only one
	@$(BIN)/python -c 'import sys; from ingestion import warehouse as w; \
	    print(w.analyst_url() if sys.argv[1:] == ["analyst"] else w.database_url())' $(ROLE)

stop:  ## stop the embedded PostgreSQL
	@if [ -x $(ZANSTAT) ]; then $(ZANSTAT) stop; fi

clean:  ## stop the server; remove everything received and built, and .venv
	@if [ -e "$(ZANSTAT_HOME)/pg" ]; then \
	    [ -x $(BIN)/python ] || { echo "$(ZANSTAT_HOME)/pg: its server is stopped from .venv: make setup first" >&2; exit 1; }; \
	    $(BIN)/python -c 'from ingestion import warehouse; warehouse.remove()' && echo "removed $(ZANSTAT_HOME)/pg"; fi
	@for name in $(addprefix "$(ZANSTAT_HOME)"/,$(STATE)) $(MADE); do \
	    if [ -e "$$name" ]; then rm -rf "$$name" && echo "removed $$name"; fi; done
	@rmdir "$(ZANSTAT_HOME)" 2>/dev/null || :

test: setup-dev lint  ## everything that is quick, under 15 minutes; T=<pytest arguments>
	$(BIN)/python -m pytest -n 2 --dist loadfile -m "not long" $(T)

test-long: setup-dev  ## what takes minutes or a million records
	$(BIN)/python -m pytest -m long $(T)

bench: setup  ## speed and memory against the floor of this machine
	@$(BIN)/python -m bench

lint: setup-dev  ## style, types, direction of imports
	$(BIN)/ruff check $(LINTED)
	$(BIN)/ruff format --check $(LINTED)
	$(BIN)/lint-imports --no-cache
	$(BIN)/mypy
	$(BIN)/sqlfluff lint --disable-progress-bar --processes 2 dbt_project/models

format: setup-dev  ## write the code as lint wants it
	$(BIN)/ruff check --fix $(LINTED)
	$(BIN)/ruff format $(LINTED)
	$(BIN)/sqlfluff fix --disable-progress-bar --processes 2 dbt_project/models

lock: $(BIN)/python  ## pin the versions and hashes anew; existing pins stay unless UPGRADE=1
	$(PYTHON) -m venv --clear .venv/lock
	.venv/lock/bin/python -m pip install --disable-pip-version-check --quiet uv
	for name in requirements requirements-dev; do \
	    .venv/lock/bin/uv pip compile --quiet --python-version 3.11 --generate-hashes \
	        --no-emit-index-url --no-emit-find-links --no-header \
	        $(if $(UPGRADE),--upgrade) --output-file $$name.lock $$name.in || exit 1; done
	! grep -nE '[a-z]+://' requirements.lock requirements-dev.lock

# A stamp is newer than what it was made from: the second call installs nothing. What setup has to say goes to
# stderr, so that the output of `make -s url` is the URL alone.
setup: .venv/.installed
setup-dev: .venv/.installed-dev

$(BIN)/python:
	@[ -n "$(PYTHON)" ] || { echo "zanstat needs Python 3.11 or later: apt-get install python3.11-venv" >&2; exit 1; }
	@echo "making .venv with $(PYTHON)" >&2
	@$(PYTHON) -m venv .venv >&2

.venv/.installed: requirements.lock Makefile | $(BIN)/python
	@echo "installing requirements.lock into .venv" >&2
	@$(PIP) -r requirements.lock >&2
	@$(COMPILE)
	@$(BIN)/python -c 'import pathlib, sysconfig; \
	    pathlib.Path(sysconfig.get_path("purelib"), "zanstat.pth").write_text(f"{pathlib.Path.cwd()}\n")'
	@printf '#!%s\nimport sys\n\nfrom orchestration.cli import main\n\nsys.exit(main())\n' "$(abspath $(BIN)/python)" > $(ZANSTAT)
	@chmod +x $(ZANSTAT)
	@touch $@

.venv/.installed-dev: requirements-dev.lock .venv/.installed
	@echo "installing requirements-dev.lock into .venv" >&2
	@$(PIP) -r requirements-dev.lock >&2
	@$(COMPILE)
	@touch $@
