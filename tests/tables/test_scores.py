"""`scores`: lines of an id and a value; whole jobs on hand-made files."""

from __future__ import annotations

import gzip
from decimal import Decimal

import pytest


@pytest.fixture
def file(tmp_path):
    """Writes a file of lines."""

    def write(name, *lines, ends="\n"):
        path = tmp_path / "scores" / name
        path.parent.mkdir(exist_ok=True)
        data = "".join(line + ends for line in lines).encode()
        path.write_bytes(gzip.compress(data, mtime=0) if name.endswith(".gz") else data)
        return path

    return write


def scores(rows):
    return {name: str(value) for name, value in rows("scores", "id", "value")}


def test_lines_become_rows_and_bad_ones_rejects(job, rows, file):
    path = file(
        "a.txt",
        *("11111111_10", "a_-5", "b +3.25", "c\t7", "x_y_7", " d e  8.50 ", "f _ 9", "g_ 1", "_h_2", ""),
        *("i_.123456789", "j_1.0000000000", "k_99999999999999999999999999999", "l__3"),
        *("_5", "5", " 5 ", "a_x", "a_1e5", "m_1.0123456789", "n_100000000000000000000000000000", "a_", "o_1,5"),
    )
    done = job("ingest", "scores", path, "--max-rejects", 9)
    assert (done.exit_code, done.counts) == (0, {"read": 22, "rejected": 9, "inserted": 13})
    assert rows("scores", "id", "value")[0] == ("11111111", Decimal("10.000000000"))
    assert {name: value.rstrip("0").rstrip(".") for name, value in scores(rows).items()} == {
        **{"11111111": "10", "a": "-5", "b": "3.25", "c": "7", "x_y": "7", "d e": "8.5", "f": "9", "g": "1", "_h": "2"},
        **{"i": "0.123456789", "j": "1", "k": "9" * 29, "l_": "3"},
    }
    begin = path.read_text().index("_5\n5")
    assert rows("rejects", "position", "raw", "reason") == sorted(
        [
            (begin, "_5", "id is empty"),
            (begin + 3, "5", "no _ or blank between id and value"),
            (begin + 5, " 5 ", "check has_value not passed: value IS NOT NULL"),
            (begin + 9, "a_x", "value 'x' is not a decimal(38,9)"),
            (begin + 13, "a_1e5", "value '1e5' is not a decimal(38,9)"),
            (begin + 19, "m_1.0123456789", "value '1.0123456789' has more than 9 digits after the point"),
            (begin + 34, "n_1" + "0" * 29, f"value '1{'0' * 29}' is out of range of decimal(38,9)"),
            (begin + 67, "a_", "check has_value not passed: value IS NOT NULL"),
            (begin + 70, "o_1,5", "value '1,5' is not a decimal(38,9)"),
        ],
        key=repr,
    )


def test_the_last_value_of_an_id_counts(job, rows, file):
    first = file("1.txt", "a_3", "b_1", "a_1", ends="\r\n")
    second = file("2.txt.gz", "b 2", "c 5", "c 4")
    assert job("ingest", "scores", second, first).counts == {"read": 6, "duplicate": 3, "inserted": 3}
    assert scores(rows) == {"a": "1.000000000", "b": "2.000000000", "c": "4.000000000"}
    assert job("ingest", "scores", file("0.txt", "c_4.0", "a_7")).counts == {"read": 2, "updated": 1, "unchanged": 1}
    assert scores(rows)["a"] == "7.000000000"


def test_a_file_again_changes_nothing(job, rows, file):
    path = file("a.txt", "a_1", "b_2", "_3")
    limit = ("--max-rejects", 1)
    assert job("ingest", "scores", path, *limit).counts == {"read": 3, "rejected": 1, "inserted": 2}
    assert job("ingest", "scores", path, *limit).report["status"] == "nothing_new"
    again = job("ingest", "scores", path, *limit, "--reprocess")
    assert again.counts == {"read": 3, "rejected": 1, "unchanged": 2}
    assert rows("rejects", "raw") == [("_3",)]


def test_files_that_hold_no_scores(job, lake, file):
    nothing = job("ingest", "scores", file("a.txt", "nothing", "like-it"))
    assert (nothing.exit_code, (lake / "scores").exists()) == (3, False)
    assert "a.txt: no line at its beginning fits table scores (no _ or blank between id and value)" in nothing.stderr
    empty = job("ingest", "scores", file("b.txt"))
    assert (empty.exit_code, "b.txt: the file is empty: expected lines of table scores" in empty.stderr) == (3, True)
    assert "(all are blank)" in job("ingest", "scores", file("c.txt", "", " ")).stderr
    assert job("ingest", "scores", file("d.txt", "a_x", "b_y")).exit_code == 4
    assert job("ingest", "scores", file("e.txt", *("no" for _ in range(999)), "a_1")).exit_code == 4
    assert job("ingest", "scores", file("f.txt", *("no" for _ in range(1000)), "a_1")).exit_code == 3


def test_a_first_line_that_is_longer_than_what_is_looked_at_is_no_reason_to_refuse(job, rows, file):
    path = file("a.txt", "x" * (2 << 20), "a_1")
    assert job("ingest", "scores", path, "--max-rejects", 1).counts == {"read": 2, "rejected": 1, "inserted": 1}
    assert rows("rejects", "position", "reason") == [(0, "the line is longer than 1048576 bytes")]
    more = job("ingest", "scores", path, "--max-rejects", 1, "--max-record-bytes", 3 << 20)
    assert more.counts == {"read": 2, "rejected": 1, "unchanged": 1}
    assert rows("rejects", "reason") == [("no _ or blank between id and value",)]


def test_options_of_other_files_are_wrong_usage(job, file):
    path = file("a.txt", "a_1")
    done = job("ingest", "scores", path, "--delimiter", ";")
    assert (done.exit_code, "--delimiter does not apply to files of table scores" in done.stderr) == (2, True)
    assert job("ingest", "scores", path, "--encoding", "utf-16").exit_code == 2


def test_rejects_are_read_again_in_another_encoding(job, rows, file):
    path = file("a.txt")
    path.write_bytes("a_1\ncafé_2\n".encode("cp1252"))
    job("ingest", "scores", path, "--max-rejects", 1, "--max-record-bytes", 500)
    assert rows("rejects", "raw", "reason") == [("caf\\xe9_2", "bytes that are not utf-8")]
    done = job("rejects", "replay", "scores", "--encoding", "cp1252")
    assert done.counts == {"read": 2, "unchanged": 1, "inserted": 1}
    assert scores(rows) == {"a": "1.000000000", "café": "2.000000000"}
    assert job("ingest", "scores", path, "--encoding", "cp1252", "--max-record-bytes", 500).report["files_skipped"] == 1


def test_made_scores(job, rows, tmp_path):
    paths = [tmp_path / name for name in ("a.txt", "b.txt", "c.txt")]
    for path, seed in zip(paths, (1, 1, 2), strict=True):
        assert job("generate", "scores", "--rows", 20_000, "--output", path, "--seed", seed).exit_code == 0
    first, second, other = (path.read_bytes() for path in paths)
    assert first == second != other
    done = job("ingest", "scores", paths[0])
    assert done.report["rows_read"] == 20_000
    assert 100 < done.report["rows_duplicate"] < 300
    assert done.report["rows_rejected"] == 0
    found = rows("scores", "id", "value")
    assert {len(name) for name, _ in found} == {8}
    assert any(value < 0 for _, value in found)
    assert any(value % 1 for _, value in found)
