# make demo     see the whole job on sample sheets, against a simulated panel
# make airflow-demo   Airflow with example DAGs, against a simulated panel; Ctrl-C ends it
# make test     every check: lint, types, imports, all tests with coverage
# make check    the quick part of it: lint, types, imports, unit tests
# make bench    how fast it is here
PYTHON ?= python3
VENV := .venv
BIN := $(VENV)/bin

.PHONY: demo airflow-demo test check lint bench clean

demo: $(VENV)/run.installed
	$(BIN)/smmplus demo

airflow-demo: $(VENV)/airflow.installed
	$(BIN)/python -m airflow_demo

test: lint
	rm -f .coverage .coverage.*
	$(BIN)/python -m pytest -n 2 --dist worksteal --cov --cov-report=
	$(BIN)/coverage report --skip-covered --include='smmplus/*,bulk/*' --fail-under=95

check: lint
	$(BIN)/python -m pytest -q -n 2 --dist worksteal -m 'not e2e'

lint: $(VENV)/dev.installed
	$(BIN)/ruff check .
	$(BIN)/ruff format --check .
	$(BIN)/mypy
	$(BIN)/lint-imports --no-logo

bench: $(VENV)/dev.installed
	$(BIN)/python -m benchmarks

clean:
	rm -rf $(VENV) smmplus-demo airflow-demo

# The stamps say what is installed: a second run installs nothing.
$(VENV)/run.installed: pyproject.toml constraints.txt
	$(PYTHON) -m venv $(VENV)
	$(BIN)/python -m pip install --quiet --constraint constraints.txt --editable .
	touch $@

$(VENV)/airflow.installed: $(VENV)/run.installed
	$(BIN)/python -m pip install --quiet --constraint constraints.txt --editable '.[airflow]'
	touch $@

$(VENV)/dev.installed: $(VENV)/run.installed
	$(BIN)/python -m pip install --quiet --constraint constraints.txt --editable '.[airflow,postgres,dev]'
	touch $@
