"""`scores`: lines of an id and a value; hand-made files, mostly in whole jobs."""

from __future__ import annotations

import gzip
from dataclasses import replace
from decimal import Decimal

import pytest
from sluice.errors import UsageError
from sluice.files.find import find_files
from sluice.readers.lines import reader
from sluice.readers.lines.parse import parse_lines
from sluice.tables.scores import TABLE


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


def test_lines_become_rows_bad_ones_rejects_and_the_last_value_of_an_id_counts(job, rows, file):
    path = file(
        "1.txt",
        *("11111111_10", "a_-5", "b +3.25", "c\t7", "x_y_7", " d e  8.50 ", "f _ 9", "g_ 1", "_h_2", ""),
        *("i_.123456789", "j_1.0000000000", "k_99999999999999999999999999999", "l__3"),
        *("_5", "5", " 5 ", "a_x", "a_1e5", "m_1.0123456789", "n_100000000000000000000000000000", "a_", "o_1,5"),
    )
    file("2.txt", "A_3", "B_1", "A_1", ends="\r\n")
    file("3.txt.gz", "B 2", "C 5", "C 4")
    ingest = ("ingest", "scores", path.parent, "--max-rejects", 9)
    done = job(*ingest)
    assert (done.exit_code, done.counts) == (0, {"read": 28, "rejected": 9, "duplicate": 3, "inserted": 16})
    assert rows("scores", "id", "value")[0] == ("11111111", Decimal("10.000000000"))
    wanted = {
        **{"11111111": "10", "a": "-5", "b": "3.25", "c": "7", "x_y": "7", "d e": "8.5", "f": "9", "g": "1", "_h": "2"},
        **{"i": "0.123456789", "j": "1", "k": "9" * 29, "l_": "3", "A": "1", "B": "2", "C": "4"},
    }
    assert {name: value.rstrip("0").rstrip(".") for name, value in scores(rows).items()} == wanted
    begin = path.read_text().index("_5\n5")
    rejects = sorted(
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
    assert rows("rejects", "position", "raw", "reason") == rejects

    assert job(*ingest).report["status"] == "nothing_new"
    assert job(*ingest, "--reprocess").counts == {"read": 28, "rejected": 9, "duplicate": 3, "unchanged": 16}
    assert rows("rejects", "position", "raw", "reason") == rejects

    later = job("ingest", "scores", file("0.txt", "C_4.0", "A_7"))
    assert later.counts == {"read": 2, "updated": 1, "unchanged": 1}
    assert scores(rows)["A"] == "7.000000000"


def test_files_that_hold_no_scores(job, lake, file):
    nothing = job("ingest", "scores", file("1.txt", "nothing", "like-it"))
    assert (nothing.exit_code, (lake / "scores").exists()) == (3, False)
    assert "1.txt: no line at its beginning fits table scores (no _ or blank between id and value)" in nothing.stderr
    assert job("ingest", "scores", file("2.txt", "a_x", "b_y")).exit_code == 4  # all are rejects


def opened(path, **reading):
    return reader.open_all(find_files([str(path)]), TABLE, replace(TABLE.reading, **reading), "fail")


def test_one_of_the_first_thousand_lines_must_be_a_score(file):
    file("1.txt")
    file("2.txt", "", " ")
    late = file("3.txt", *("no" for _ in range(1000)), "a_1")
    good = file("4.txt", *("no" for _ in range(999)), "a_1")
    found = opened(late.parent)
    assert [source.file.uri for source in found.sources] == [good.as_uri()]
    empty, blank, unfit = map(str, found.failures)
    assert empty.endswith("1.txt: the file is empty: expected lines of table scores")
    assert "2.txt: no line at its beginning fits table scores (all are blank)" in blank
    assert "3.txt: no line at its beginning fits table scores (no _ or blank between id and value)" in unfit


@pytest.mark.parametrize(
    ("limit", "reason"),
    [(1 << 20, "the line is longer than 1048576 bytes"), (3 << 20, "no _ or blank between id and value")],
)
def test_a_first_line_that_is_longer_than_what_is_looked_at_is_no_reason_to_refuse(file, limit, reason):
    path = file("a.txt", "x" * (2 << 20), "a_1")
    assert TABLE.reading.max_record_bytes == 1 << 20
    found = opened(path, max_record_bytes=limit)
    assert (len(found.sources), found.failures) == (1, ())
    lines = []
    for batch in parse_lines([(0, path.read_bytes())], found.sources[0].layout):
        lines += [(row["_position"], row["id"], row["value"], row["_reason"]) for row in batch.to_pylist()]
    assert sorted(lines) == [(0, None, None, reason), ((2 << 20) + 1, "a", "1", None)]


def test_options_of_other_files_and_encodings_that_cannot_be_read_are_wrong_usage(job, file):
    done = job("ingest", "scores", file("a.txt", "a_1"), "--delimiter", ";")
    assert (done.exit_code, "--delimiter does not apply to files of table scores" in done.stderr) == (2, True)
    with pytest.raises(UsageError, match=r"^--encoding 'utf-16' is not supported"):
        replace(TABLE.reading, encoding="utf-16")


def test_rejects_are_read_again_in_another_encoding(job, rows, file):
    path, long = file("a.txt"), 3 << 20
    path.write_bytes(("x" * (2 << 20) + "\na_1\ncafé_2\n").encode("cp1252"))
    read = job("ingest", "scores", path, "--max-rejects", 2, "--max-record-bytes", long)
    assert read.counts == {"read": 3, "rejected": 2, "inserted": 1}
    too_long = (0, "no _ or blank between id and value")
    assert rows("rejects", "position", "reason") == [
        too_long,
        ((2 << 20) + 5, "bytes that are not utf-8: name the file's --encoding"),
    ]
    assert "caf\\xe9_2" in {raw for (raw,) in rows("rejects", "raw")}
    done = job("rejects", "replay", "scores", "--encoding", "cp1252")
    assert done.counts == {"read": 3, "rejected": 1, "unchanged": 1, "inserted": 1}
    assert scores(rows) == {"a": "1.000000000", "café": "2.000000000"}
    assert rows("rejects", "position", "reason") == [too_long]
    as_replayed = ("--encoding", "cp1252", "--max-record-bytes", long)
    assert job("ingest", "scores", path, *as_replayed).report["files_skipped"] == 1


def test_made_scores(job, rows, tmp_path):
    path = tmp_path / "a.txt"
    assert job("generate", "scores", "--rows", 20_000, "--output", path, "--seed", 1).exit_code == 0
    done = job("ingest", "scores", path)
    assert done.report["rows_read"] == 20_000
    assert 100 < done.report["rows_duplicate"] < 300
    assert done.report["rows_rejected"] == 0
    found = rows("scores", "id", "value")
    assert {len(name) for name, _ in found} == {8}
    assert any(value < 0 for _, value in found)
    assert any(value % 1 for _, value in found)
