"""The order of the folders: imports go down only, and each outside thing is touched by one folder."""

from __future__ import annotations

import ast
import subprocess
import sys
from pathlib import Path

from conftest import PROJECT

LIB = PROJECT / "lib" / "sluice"
# a row may import the rows below it, and nothing beside it in its own row
LAYERS = """
    serve
    cli api
    pipeline
    lineage metrics profile
    query export maintain generate draft status
    ingest aggregate
    catalog
    ledger
    runtime
    tables lake
    readers
    files model
    errors
"""
RANK = {name: -row for row, line in enumerate(LAYERS.split("\n")) for name in line.split()}
OUTSIDE = {"delta": "lake", "deltalake": "lake", "psycopg2": "export", "boto3": "files", "botocore": "files"}
OUTSIDE |= {"prometheus_client": "metrics", "openlineage": "lineage"}
OUTSIDE |= dict.fromkeys(("fastapi", "starlette", "uvicorn", "asyncpg"), "serve")


def imported(path: Path) -> set[str]:
    """The modules that a file imports, inside functions too, by their full names."""
    names = set()
    for node in ast.walk(ast.parse(path.read_text())):
        if isinstance(node, ast.Import):
            names |= {name.name for name in node.names}
        elif isinstance(node, ast.ImportFrom):
            names |= {f"{node.module}.{name.name}" for name in node.names}
    return names


def part(path: Path) -> str:
    return path.relative_to(LIB).parts[0].removesuffix(".py")


FILES = [path for path in LIB.rglob("*.py") if path != LIB / "__init__.py"]


def test_imports_go_down():
    assert {part(path) for path in FILES} == RANK.keys(), "a folder without a layer, or a layer without a folder"
    up = [
        f"{path.relative_to(LIB)} imports {name}"
        for path in FILES
        for name in imported(path)
        if name.startswith("sluice.")
        and (other := name.split(".")[1]) != part(path)
        and RANK[other] >= RANK[part(path)]
    ]
    assert up == []


def test_families_of_readers_do_not_import_each_other():
    across = [
        f"{path.relative_to(LIB)} imports {name}"
        for path in (LIB / "readers").rglob("*.py")
        for name in imported(path)
        if name.startswith("sluice.readers.") and name.split(".")[2] not in ("shared", path.parent.name)
    ]
    assert across == []


def test_each_outside_thing_is_touched_by_one_folder():
    others = [
        f"{path.relative_to(LIB)} imports {name}"
        for path in FILES
        for name in imported(path)
        if OUTSIDE.get(name.split(".")[0], part(path)) != part(path)
    ]
    assert others == []


def test_folders_import_nothing_by_themselves():
    """An import in `__init__.py` would be paid by every start."""
    inits = [path for path in FILES if path.name == "__init__.py"]
    assert [path for path in inits if imported(path)] == []
    assert [path for path in inits if not ast.get_docstring(ast.parse(path.read_text()))] == []


def test_tasks_of_spark_load_neither_delta_nor_the_command_line():
    """What executors import: a worker of a cluster has only what reading needs."""
    modules = [
        ".".join(path.relative_to(LIB.parent).with_suffix("").parts)
        for path in (LIB / "readers").rglob("*.py")
        if path.name not in ("options.py", "__init__.py")
    ]
    assert len(modules) >= 4
    code = f"import sys, importlib\nfor name in {modules}: importlib.import_module(name)\nprint(*sys.modules)"
    found = subprocess.run(
        [sys.executable, "-c", code], capture_output=True, text=True, check=True, env={"PYTHONPATH": str(LIB.parent)}
    )
    loaded = {name.split(".")[0] for name in found.stdout.split()}
    assert loaded & {"deltalake", "delta", "click", "pydantic", "psycopg2", "rich"} == set()
    assert {"pyarrow", "sluice"} <= loaded
