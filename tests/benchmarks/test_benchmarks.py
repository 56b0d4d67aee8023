"""Measuring counts children, disagreement fails, and the table is text that a person reads."""

from __future__ import annotations

import os
import sys

import pyarrow as pa
from benchmarks import results, rounds, table
from benchmarks.cases import Case, Input
from benchmarks.measuring import measure
from benchmarks.table import Run

# the memory is that of a process two below the one measured
_HOLD = "x = bytearray(60_000_000); x[::4096] = b'1' * len(x[::4096]); import time; time.sleep(0.3)"
_CHILD = f"import subprocess, sys; subprocess.run([sys.executable, '-c', {_HOLD!r}], check=True)"
_FAMILY = f"import subprocess, sys; subprocess.run([sys.executable, '-c', {_CHILD!r}], check=True); sys.exit(3)"
CASE = Case("products", "some products", Input("products", 3), {"sluice": (), "polars": ()}, None)


def test_a_family_of_processes_is_measured_as_one(tmp_path):
    measured = measure([sys.executable, "-c", _FAMILY], dict(os.environ), tmp_path / "out", tmp_path / "err")
    assert (measured.exit_code, (tmp_path / "err").read_bytes()) == (3, b"")
    assert 0.3 < measured.seconds < 10
    assert 60_000_000 < measured.peak_bytes < 200_000_000


def test_rows_are_compared_exactly_but_for_the_order_of_sums():
    def rows(*means):
        return pa.table({"id": ["a", None, "c"][: len(means)], "mean": pa.array(means, pa.float64())})

    expected = rows(0.1 + 0.2, None, 2.0)
    assert results.difference(expected, rows(0.3, None, 2.0)) is None
    assert (
        results.difference(expected, rows(0.3, None, 2.0001)) == "in mean of row 3: ['c', 2.0001], expected ['c', 2.0]"
    )
    assert results.difference(expected, rows(0.3, 1.0, 2.0)) == "in mean of row 2: [None, 1.0], expected [None, None]"
    assert results.difference(expected, rows(0.3)) == "1 rows, expected 3"


def test_a_tool_that_makes_other_rows_than_the_first_has_failed():
    runs = {"sluice": [Run(4.0, rows=1)], "polars": [Run(1.0, rows=1)]}
    rounds.compare(runs, {"sluice": pa.table({"id": ["a"]}), "polars": pa.table({"id": ["b"]})})
    assert table.section(CASE, runs, "How.").splitlines()[-2:] == [
        "| sluice | 4.0 | 1.00 | 0.0 MB | 0.0 MB | 1 |",
        "| polars | not what sluice made: in id of row 1: ['b'], expected ['a'] |",
    ]


def test_a_section_has_medians_and_takes_the_place_of_the_case_s_earlier_one(tmp_path):
    runs = {
        "sluice": [
            Run(4.0, 2_000_000, 1_000_000, 3),
            Run(9.0, 4_000_000, 1_000_000, 3),
            Run(5.0, 3_000_000, 1_000_000, 3),
        ],
        "polars": [Run(1.0, 900_000, 40_000, 3), Run(1.5, 900_000, 60_000, 3)],
    }
    text = table.section(CASE, runs, "How.")
    assert text.splitlines() == [
        "## products",
        "",
        "Some products. How.",
        "",
        "| tool | seconds | to Sluice | peak memory | written | rows |",
        "| --- | ---: | ---: | ---: | ---: | ---: |",
        "| sluice | 5.0 (4.0 to 9.0) | 1.00 | 3.0 MB | 1.0 MB | 3 |",
        "| polars | 1.2 (1.0 to 1.5) | 0.25 | 0.9 MB | 0.1 MB | 3 |",
    ]
    path = tmp_path / "RESULTS.md"
    table.keep({"merge": "## merge\nother\n", "products": "## products\nearlier one\n"}, path)
    table.keep({"products": text}, path)
    assert path.read_text().endswith(f"\n\n{text}\n## merge\nother\n")
    assert "earlier one" not in path.read_text()
