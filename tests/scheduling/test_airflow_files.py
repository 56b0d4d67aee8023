"""What conf/airflow names is there: jobs, options, variables, tables, pools. Airflow itself runs it in test_airflow."""

from __future__ import annotations

import ast
import json
import runpy
import sys

import click
from conftest import PROJECT
from sluice import errors
from sluice.catalog.catalog import BUILT_IN

FOLDER = PROJECT / "conf" / "airflow"
DAG, OPERATOR = (ast.parse((FOLDER / name).read_text()) for name in ("sluice_dag.py", "sluice_operator.py"))


def texts(tree, beginning):
    nodes = [node.value for node in ast.walk(tree) if isinstance(node, ast.Constant)]
    return {text for text in nodes if isinstance(text, str) and text.startswith(beginning)}


def assigned(tree, name):
    """What a name of a module is set to."""
    (value,) = (
        each.value for each in tree.body if isinstance(each, ast.Assign) and ast.unparse(each.targets[0]) == name
    )
    return ast.literal_eval(value)


def imported(tree):
    for node in ast.walk(tree):
        if isinstance(node, ast.ImportFrom | ast.Import):
            yield (getattr(node, "module", None) or node.names[0].name).partition(".")[0]


def test_jobs_and_their_options_exist():
    jobs = {node.value.value for node in ast.walk(DAG) if isinstance(node, ast.keyword) and node.arg == "job"}
    assert jobs == {"ingest", "aggregate", "export"}
    for job in jobs:
        options = runpy.run_path(str(PROJECT / "jobs" / f"{job}.py"))["main"].params
        names = {name for option in options if isinstance(option, click.Option) for name in option.opts}
        assert (texts(DAG, "--") | texts(OPERATOR, "--")) - names == set()
        assert "SLUICE_RESULT_FILE" in {option.envvar for option in options}


def test_tables_and_pools_are_the_built_in_ones():
    tables = {table.name: [aggregate.name for aggregate in table.aggregates] for table in BUILT_IN.values()}
    assert assigned(DAG, "TABLES") == tables
    pools = json.loads((FOLDER / "pools.json").read_text())
    assert {name: pool["slots"] for name, pool in pools.items()} == {f"sluice_{table}": 1 for table in tables}


def test_only_what_is_safe_to_repeat_is_retried():
    assert assigned(OPERATOR, "(BUSY, DATABASE_FAILED)") == (errors.Busy.exit_code, errors.DatabaseError.exit_code)
    assert "RETRIED = (BUSY, DATABASE_FAILED)" in map(ast.unparse, OPERATOR.body)


def test_airflow_loads_them_without_sluice():
    names = {*imported(DAG), *imported(OPERATOR)} - set(sys.stdlib_module_names)
    assert names == {"airflow", "sluice_operator"}
