"""`scores`: lines of an id and a value; the last value of an id counts."""

from __future__ import annotations

import gzip
from decimal import Decimal

import pytest


@pytest.fixture
def scores(tmp_path):
    def write(name, *lines):
        path = tmp_path / "scores" / name
        path.parent.mkdir(exist_ok=True)
        data = "".join(f"{line}\n" for line in lines).encode()
        path.write_bytes(gzip.compress(data, mtime=0) if name.endswith(".gz") else data)
        return path

    return write


def test_lines_become_rows_and_bad_ones_rejects(job, rows, scores):
    good = ["11111111_10", "a -5", "b_c_+3.25", " d \t 7 ", "e__1", "f g_2", "11111111_9.50\r", "", "h_000"]
    bad = {
        "nothing": "not an id, _ or a blank, and a value",
        "_5": "id is empty",
        "  _5": "id is empty",
        "i_": "not an id, _ or a blank, and a value",
        "i_x": "value 'x' is not a decimal(38,9)",
        "i_1e5": "value '1e5' is not a decimal(38,9)",
        "i_NaN": "value 'NaN' is not a decimal(38,9)",
        "i_0x10": "value '0x10' is not a decimal(38,9)",
        f"i_{'9' * 30}": f"value '{'9' * 30}' is out of range of decimal(38,9)",
        "i_0.1234567891": "value '0.1234567891' has more than 9 digits after the point",
        f"{'i' * 1001}_1": "id is longer than 1000 bytes",
    }
    done = job("ingest", "scores", scores("a.txt", *good, *bad), "--max-rejects", "90%")
    assert done.counts == {"read": 19, "rejected": 11, "duplicate": 1, "inserted": 7}
    assert rows("scores", "id", "value") == sorted(
        [
            ("11111111", Decimal("9.500000000")),
            ("a", Decimal("-5.000000000")),
            ("b_c", Decimal("3.250000000")),
            ("d", Decimal("7.000000000")),
            ("e_", Decimal("1.000000000")),
            ("f g", Decimal("2.000000000")),
            ("h", Decimal("0E-9")),
        ],
        key=repr,
    )
    assert {row[0]: row[1] for row in rows("rejects", "raw", "reason")} == bad


def test_the_last_value_of_an_id_counts(job, rows, scores):
    first, second = scores("1.txt", "a_1", "b_1", "a_2"), scores("2.txt.gz", "b 5", "c 1")
    assert job("ingest", "scores", first, second).counts == {"read": 5, "duplicate": 2, "inserted": 3}
    assert [(key, int(value)) for key, value in rows("scores", "id", "value")] == [("a", 2), ("b", 5), ("c", 1)]
    assert job("ingest", "scores", first, second).report["status"] == "nothing_new"
    assert job("ingest", "scores", first, second, "--reprocess").counts == {"read": 5, "duplicate": 2, "unchanged": 3}
    assert job("ingest", "scores", scores("3.txt", "b_5.0", "a_0")).counts == {"read": 2, "unchanged": 1, "updated": 1}


def test_a_file_of_something_else(job, lake, scores):
    path = scores("a.txt", "nothing", "of", "this")
    done = job("ingest", "scores", path)
    assert (done.exit_code, done.report["error"]) == (
        3,
        f"{path.as_uri()}: no line at its beginning is as table scores needs: expected lines like "
        r"(?P<id>.*)[_ \t](?P<value>[^_ \t]+)[ \t]*",
    )
    assert not (lake / "scores").exists()
    assert job("ingest", "scores", path, "--delimiter", ";").report["error"] == (
        "--delimiter is not for files of table scores"
    )
