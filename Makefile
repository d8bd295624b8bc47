# make demo     see the whole job on sample sheets, against a simulated panel
# make page     the page for people who have spreadsheets, with sample campaigns; Ctrl-C ends it
# make airflow-demo   Airflow with example DAGs, against a simulated panel; Ctrl-C ends it
# make test     every check: lint, types, imports, all tests
# make check    the quick part of it: lint, types, imports, unit tests that are not slow
# make coverage  the unit tests, and the end-to-end tests marked for it, reach 95 % of smmplus and bulk
# make properties  thousands of random steps, other ones each time (EXAMPLES=100 of 50 steps at most)
# make mutants  small faults put into what decides about money: does a test notice each?
# make matrix   every fault at every moment of a run, on both databases (half an hour; disks to fill need root)
# make soak     100,000 orders, a panel that fails in every way, ten kills: nothing lost, nothing twice, little memory
# make bench    how fast it is here
PYTHON ?= python3
VENV := .venv
BIN := $(VENV)/bin

# Journals and databases of tests lie in memory where there is enough of it: waiting for a disk proves nothing more.
IN_MEMORY = $(shell [ "$$(df -Pk /dev/shm 2>/dev/null | awk 'END { print $$4 }')" -gt 4000000 ] 2>/dev/null && echo TMPDIR=/dev/shm)
PYTEST = $(IN_MEMORY) $(BIN)/python -m pytest --dist worksteal -n
# End-to-end tests wait for processes and panels most of their time: more of them go on at once than there are processors.
CALCULATING = 2
WAITING = 4

# Tests start hundreds of processes: each would compile every module again.
unexport PYTHONDONTWRITEBYTECODE

.PHONY: demo page airflow-demo test check coverage e2e lint properties mutants matrix soak bench clean

demo: $(VENV)/run.installed
	$(BIN)/smmplus demo

page: $(VENV)/web.installed
	$(BIN)/smmplus demo --page

airflow-demo: $(VENV)/airflow.installed
	$(BIN)/python -m airflow_demo

test: lint
	$(PYTEST) $(CALCULATING) -m 'not e2e'
	$(PYTEST) $(WAITING) -m 'e2e and not matrix'

check: lint
	$(PYTEST) $(CALCULATING) -q -m 'not e2e and not slow'

coverage: $(VENV)/dev.installed
	rm -f .coverage .coverage.*
	$(PYTEST) $(CALCULATING) -m 'not e2e or covers' --cov --cov-report=
	$(BIN)/coverage report --skip-covered --include='smmplus/*,bulk/*' --fail-under=95

# What coverage leaves out.
e2e: $(VENV)/dev.installed
	$(PYTEST) $(WAITING) -m 'e2e and not covers and not matrix'

lint: $(VENV)/dev.installed
	$(BIN)/ruff check .
	$(BIN)/ruff format --check .
	$(BIN)/mypy
	$(BIN)/lint-imports --no-logo

properties: $(VENV)/dev.installed
	SMMPLUS_PROPERTIES=$(or $(EXAMPLES),100) $(BIN)/python -m pytest -q -n $(CALCULATING) tests/properties

mutants: $(VENV)/dev.installed
	$(BIN)/python -m tests.mutation

matrix: $(VENV)/dev.installed
	$(BIN)/python -m pytest -q -n $(WAITING) --dist worksteal -m e2e tests/matrix --matrix-page docs/matrix.md

soak: $(VENV)/dev.installed
	$(BIN)/python -m tests.soak

bench: $(VENV)/dev.installed
	$(BIN)/python -m benchmarks

clean:
	rm -rf $(VENV) smmplus-demo airflow-demo

# The stamps say what is installed: a second run installs nothing.
$(VENV)/run.installed: pyproject.toml constraints.txt
	$(PYTHON) -m venv $(VENV)
	$(BIN)/python -m pip install --quiet --constraint constraints.txt --editable .
	touch $@

$(VENV)/web.installed: $(VENV)/run.installed
	$(BIN)/python -m pip install --quiet --constraint constraints.txt --editable '.[web]'
	touch $@

$(VENV)/airflow.installed: $(VENV)/run.installed
	$(BIN)/python -m pip install --quiet --constraint constraints.txt --editable '.[airflow]'
	touch $@

$(VENV)/dev.installed: $(VENV)/run.installed
	$(BIN)/python -m pip install --quiet --constraint constraints.txt --editable '.[airflow,postgres,web,dev]'
	touch $@
