"""The site of docs/: what its hooks make, and that it loads nothing from elsewhere."""

from __future__ import annotations

import os
import re
import runpy
import subprocess
import sys

import click
import pytest
from conftest import PROJECT
from sluice.catalog.catalog import BUILT_IN
from sluice.runtime.report import Report

HOOKS = PROJECT / "docs" / "hooks"
REFERENCE = runpy.run_path(str(HOOKS / "reference.py"))


def section(text, heading):
    """What is under a heading of Markdown, to the next of its level or a higher one."""
    level = heading.split()[0]
    return re.search(rf"^{heading}\n(.*?)(?=^#{{1,{len(level)}}} |\Z)", text, re.DOTALL | re.MULTILINE)[1]


def test_every_job_command_and_option_is_in_the_reference():
    text = REFERENCE["jobs"]()
    shared = section(text, "## Options of this run") + section(text, "## Options of all jobs")
    for name, main in REFERENCE["mains"]().items():
        inner = main.commands if isinstance(main, click.Group) else {}
        commands = {f"### {name} {each}": command for each, command in inner.items()} or {f"## {name}": main}
        for heading, command in commands.items():
            own = section(text, heading)
            for option in (each for each in command.params if isinstance(each, click.Option)):
                assert f"| `{option.opts[0]}`" in own + shared, (heading, option.opts)
            assert all(f"./spark-submit.sh {example}" in own for example in command.examples)
    ingest = section(text, "## ingest")
    assert "| `--on-bad-file` `[fail|skip]` | Stop at a file" in ingest
    assert "| fail | `SLUICE_ON_BAD_FILE` |" in ingest


def test_tables_and_fields_of_reports_are_in_the_reference():
    text = REFERENCE["tables"]()
    for table in BUILT_IN.values():
        own = section(text, f"## {table.name}")
        assert [column for column in table.columns if f"| `{column.name}` | {column.type} |" not in own] == []
        for aggregate in table.aggregates:
            part = section(text, f"### {aggregate.name}")
            assert [name for name in (*aggregate.key, *aggregate.values) if f"`{name}`" not in part] == []
    fields = re.findall(
        r"^\| `(\w+)` \| .* \| (.*) \|$", REFERENCE["reports"]().partition("## Errors")[0], re.MULTILINE
    )
    assert {name for name, where in fields if where == "all"} == Report("query", "").document().keys()
    assert ("groups_recomputed", "aggregate, export") in fields
    assert {"rows", "steps", "under_way"} < dict(fields).keys()


@pytest.mark.parametrize(
    ("page", "link", "on_site"),
    [
        ("index.md", "../README.md#words", "project/readme.md#words"),
        ("index.md", "running.md", "running.md"),
        ("index.md", "#here", "#here"),
        ("index.md", "https://spark.apache.org/a.md", "https://spark.apache.org/a.md"),
        ("project/readme.md", "docs/csv.md#a", "../csv.md#a"),
        ("project/readme.md", "LICENSE", "license.md"),
        ("reference/reports.md", "../running.md", "../running.md"),
    ],
)
def test_links_lead_to_the_same_file_on_the_site(page, link, on_site):
    with_links = runpy.run_path(str(HOOKS / "project.py"))["with_links"]
    assert with_links(f"a [b\nc]({link}), d", page) == f"a [b\nc]({on_site}), d"


@pytest.mark.slow
def test_it_is_built_strictly_and_loads_nothing_from_elsewhere(tmp_path):
    command = [sys.executable, "-m", "mkdocs", "build", "--strict", "--site-dir", tmp_path]
    environment = {**os.environ, "PYTHONPATH": "lib", "NO_MKDOCS_2_WARNING": "1"}
    done = subprocess.run(command, cwd=PROJECT, env=environment, capture_output=True, text=True)
    assert done.returncode == 0, done.stderr
    pages = [path.read_text() for path in tmp_path.rglob("*.html")]
    loaded = re.compile(
        r'<(?:script|img|iframe|source)[^>]* src="(?:https?:)?//|<link[^>]* href="(?:https?:)?//|@import'
    )
    assert len(pages) > 20
    assert [found[0] for page in pages if (found := loaded.search(page))] == []
    assert [
        found[0] for page in pages if (found := re.search(r"^\* .*", page, re.MULTILINE))
    ] == []  # a list that is none
    styles = [path.read_text() for path in tmp_path.rglob("*.css")]
    assert [style for style in styles if re.search(r"@import|url\([\"']?(https?:)?//", style)] == []
