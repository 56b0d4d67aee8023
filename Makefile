# setup, demo, test: on a machine with Python 3.11+, a Java 17 JDK, make and git nothing else is needed before them.
PYTHON ?= python3
BIN := .venv/bin
READY := .venv/.ready
LAKE ?= lake
DATA ?= data
# not with --quiet, which hides warnings from --strict too
MKDOCS = NO_MKDOCS_2_WARNING=1 PYTHONPATH=lib $(BIN)/python -m mkdocs build --strict --site-dir

.PHONY: setup stop-warm demo unit test test-all test-versitygw bench airflow check docs notebook audit jars-list stop-postgres clean
setup: $(READY)

$(READY): setup.py constraints.txt conf/packages.conf conf/jars.sha256 docker/fetch-jars.sh docker/check-jars.py docker/archive-classes.sh $(wildcard lib/sluice/lake/*.java)
	@$(PYTHON) -c 'import sys; sys.exit(sys.version_info < (3, 11))' \
	  || { echo "Python 3.11 or later is needed: install it, or name it: make setup PYTHON=python3.11" >&2; exit 1; }
	@docker/check-java.sh
	@test -x $(BIN)/python || $(PYTHON) -m venv .venv
	@echo "installing Python packages …" >&2
	@$(BIN)/python -m pip install --quiet --disable-pip-version-check --constraint constraints.txt --editable '.[dev]'
	@echo "fetching jars …" >&2
	@docker/fetch-jars.sh
	@echo "archiving classes for quick starts …" >&2
	@docker/archive-classes.sh
	@touch $@

demo: setup
	@docker/demo.sh $(DATA) $(LAKE)

# ends the processes that `--keep-warm` lets stay; one that has a job ends after it
stop-warm: setup
	@PYTHONPATH=lib $(BIN)/python -m sluice.runtime.warm.client stop

stop-postgres: setup
	@$(BIN)/python -c 'from pathlib import Path; from sluice.export import embedded; embedded.stop(Path(".sluice/postgres"))'

# what needs neither Spark nor PostgreSQL: in a minute
unit: setup
	@$(BIN)/python -m pytest -q -n 2 --dist worksteal -m "unit and not slow" tests

# all but the slow ones, in a Spark session that is quick for small data (see tests/conftest.py)
test: setup
	@$(BIN)/python -m pytest -q -n 2 --dist worksteal -m "not slow" tests

# everything, with the settings that users have; the slow ones one by one: some run eight jobs at once, some measure time
test-all: export SLUICE_TEST_SESSION = shipped
test-all: setup airflow
	@$(BIN)/python -m pytest -q -n 2 --dist worksteal -m "not slow" tests
	@$(BIN)/python -m pytest -q -m slow tests
	@if command -v go >/dev/null; then $(MAKE) test-versitygw; else echo "no Go here: versitygw was not tested" >&2; fi

# lakes on a second S3 server, built from its source: needs Go
test-versitygw: setup
	@GOBIN=$(CURDIR)/$(BIN) go install github.com/versity/versitygw/cmd/versitygw@v1.8.0
	@SLUICE_TEST_S3=$(CURDIR)/$(BIN)/versitygw $(BIN)/python -m pytest -q \
	  tests/jobs/test_s3_lake.py tests/lake/test_lease.py tests/lake/test_log_store.py

# Sluice beside other tools, which have an environment of their own: more than an hour; parts in minutes, see CONTRIBUTING.md
bench: setup .bench/venv/.ready
	@PYTHONPATH=lib:tests $(BIN)/python -m benchmarks $(ARGS)

# with the driver by which plain Spark writes into PostgreSQL
.bench/venv/.ready: tests/benchmarks/requirements.txt
	@test -x .bench/venv/bin/python || $(PYTHON) -m venv .bench/venv
	@.bench/venv/bin/python -m pip install --quiet --disable-pip-version-check --requirement $<
	@touch .bench/nothing.py
	@PYSPARK_PYTHON=$(BIN)/python $(BIN)/spark-submit --packages org.postgresql:postgresql:42.7.13 \
	  --conf spark.jars.ivy=$(CURDIR)/.bench/ivy .bench/nothing.py >.bench/ivy.log 2>&1 || { cat .bench/ivy.log >&2; exit 1; }
	@touch $@

# Airflow, in which tests/scheduling runs the DAG of conf/airflow; it has an environment of its own
airflow: .airflow/venv/.ready

.airflow/venv/.ready: tests/scheduling/requirements.txt
	@test -x .airflow/venv/bin/python || $(PYTHON) -m venv .airflow/venv
	@echo "installing Airflow …" >&2
	@.airflow/venv/bin/python -m pip install --quiet --disable-pip-version-check --requirement $<
	@touch $@

# JupyterLab with the notebooks, on the lake of `make demo`; it has an environment of its own, its kernel is this one's
notebook: setup .notebook/venv/.ready
	@SLUICE_LAKE=$(abspath $(LAKE)) .notebook/venv/bin/jupyter lab notebooks $(ARGS)

.notebook/venv/.ready: notebooks/requirements.txt
	@test -x .notebook/venv/bin/python || $(PYTHON) -m venv .notebook/venv
	@.notebook/venv/bin/python -m pip install --quiet --disable-pip-version-check --requirement $<
	@$(BIN)/python -m ipykernel install --prefix .notebook/venv --name python3 --display-name Sluice >/dev/null 2>&1
	@touch $@

check: setup
	@$(BIN)/ruff check .
	@$(BIN)/ruff format --check .
	@$(BIN)/mypy
	@$(BIN)/hadolint docker/Dockerfile
	@$(BIN)/check-jsonschema --quiet --builtin-schema vendor.compose-spec docker-compose.yml
	@site=$$(mktemp -d) && trap 'rm -rf "$$site"' EXIT && { said=$$($(MKDOCS) "$$site" 2>&1) || { echo "$$said"; exit 1; }; }

# the site of docs/, into .site
docs: setup
	@$(MKDOCS) .site
	@echo "open .site/index.html; for its search: $(BIN)/python -m http.server --directory .site --bind 127.0.0.1" >&2

# known vulnerabilities of the pinned packages; a package that cannot be asked about fails too, as behind a mirror
audit: setup
	@PIP_AUDIT_LOGLEVEL=ERROR $(BIN)/pip-audit --strict --progress-spinner off --no-deps --disable-pip \
	  --requirement constraints.txt || { echo "audit failed: a package has known vulnerabilities (listed above), or the \
	index of Python packages did not answer for it: run this where the index itself is reached, not a mirror" >&2; exit 1; }

# conf/jars.sha256 anew, after a change of conf/packages.conf
jars-list:
	@docker/fetch-jars.sh --write

clean: stop-postgres
	rm -rf .venv .sluice .airflow .bench .notebook .site data lake
