"""`ingest products`, as its user sees it: exact rows, counts, exit codes and messages."""

from __future__ import annotations

import bz2
import gzip
import json
import os
import shutil

import pyarrow as pa
import pytest
from deltalake import DeltaTable

HEADER = "sku,name,description"


def data_files(lake, table="products"):
    """The files that the table's current version consists of."""
    return {os.path.basename(path) for path in DeltaTable(lake / table).file_uris()}


def user_metadata(lake, table):
    logs = sorted((lake / table / "_delta_log").glob("*.json"))
    infos = [json.loads(line)["commitInfo"] for log in logs for line in log.open() if "commitInfo" in line]
    return [json.loads(info["userMetadata"])["run_id"] for info in infos]


def test_the_last_row_of_a_key_wins_and_every_row_is_counted(job, rows, csv_file):
    path = csv_file("a.csv", HEADER, "s1,first,x", "s2,only,", 's1,last,"a\nb"', ",no key,y", "s3,too,many,fields")
    done = job("ingest", "products", path, "--max-rejects", 2)
    assert (done.exit_code, done.report["status"]) == (0, "succeeded")
    assert done.counts == {"read": 5, "rejected": 2, "duplicate": 1, "inserted": 2}
    assert rows("products", "sku", "name", "description") == [("s1", "last", "a\nb"), ("s2", "only", None)]


def test_columns_are_found_by_name_and_sku_and_name_are_stripped(job, rows, csv_file):
    path = csv_file("a.csv", "description, name ,sku", " d , n\t, s ", "e,  ,\tt")
    assert job("ingest", "products", path).counts == {"read": 2, "inserted": 2}
    assert rows("products", "sku", "name", "description") == [("s", "n", " d "), ("t", None, "e")]


def test_same_file_again_is_skipped_and_reprocessing_changes_nothing(job, lake, csv_file):
    path = csv_file("a.csv", HEADER, "s1,n,d", "s2,n,d", "s1,m,d")
    assert job("ingest", "products", path).report["table_version"] == 0
    before = data_files(lake)
    again = job("ingest", "products", path)
    assert (again.exit_code, again.report["status"], again.counts) == (0, "nothing_new", {})
    assert (again.report["files"], again.report["files_skipped"], again.report["table_version"]) == (0, 1, 0)
    redone = job("ingest", "products", path, "--reprocess")
    assert redone.counts == {"read": 3, "duplicate": 1, "unchanged": 2}
    assert (redone.report["table_version"], data_files(lake)) == (0, before)


@pytest.mark.slow
def test_files_without_a_changed_row_stay_as_they_are(job, lake, csv_file, rows):
    job("ingest", "products", csv_file("a.csv", HEADER, "s1,n,d"))
    first = data_files(lake)
    job("ingest", "products", csv_file("b.csv", HEADER, "s2,n,d"))
    done = job("ingest", "products", csv_file("c.csv", HEADER, "s1,n,d", "s2,changed,d", "s3,new,d"))
    assert done.counts == {"read": 3, "unchanged": 1, "updated": 1, "inserted": 1}
    assert first <= data_files(lake)
    assert rows("products", "sku", "name") == [("s1", "n"), ("s2", "changed"), ("s3", "new")]
    assert rows("products", "sku", "run_id")[1:] == [("s2", done.report["run_id"]), ("s3", done.report["run_id"])]


def test_among_files_of_a_run_the_last_path_wins_then_the_later_run(job, rows, csv_file, tmp_path):
    csv_file("b.csv", HEADER, "s1,from b,d")
    csv_file("a.csv", HEADER, "s1,from a,d")
    done = job("ingest", "products", tmp_path / "in" / "b.csv", tmp_path / "in")
    assert (done.report["files"], done.counts) == (2, {"read": 2, "duplicate": 1, "inserted": 1})
    assert rows("products", "name") == [("from b",)]
    assert job("ingest", "products", csv_file("0.csv", HEADER, "s1,later run,d")).counts == {"read": 1, "updated": 1}
    assert rows("products", "name") == [("later run",)]


def test_changed_null_and_empty_values_are_told_apart(job, rows, csv_file):
    job("ingest", "products", csv_file("a.csv", HEADER, "s1,,d", "s2,n,"))
    assert job("ingest", "products", csv_file("b.csv", HEADER, 's1,"",d', "s2,n,e")).counts == {
        "read": 2,
        "unchanged": 1,
        "updated": 1,
    }
    assert rows("products", "sku", "name", "description") == [("s1", None, "d"), ("s2", "n", "e")]


@pytest.mark.slow
def test_many_rows_against_few_and_few_against_many_classify_alike(job, rows, csv_file):
    many = [f"s{i},n,d" for i in range(100)]
    job("ingest", "products", csv_file("a.csv", HEADER, *many))
    few = csv_file("b.csv", HEADER, "s5,n,d", "s6,x,d", "s6,y,d", "new,n,d")
    assert job("ingest", "products", few).counts == {
        "read": 4,
        "duplicate": 1,
        "unchanged": 1,
        "updated": 1,
        "inserted": 1,
    }
    assert len(rows("products", "sku")) == 101


@pytest.mark.parametrize(
    ("line", "reason"),
    [
        ("s,n", "2 fields, expected 3"),
        (",n,d", "sku is empty"),
        (" \t ,n,d", "sku is empty"),
        ("é" * 500 + "x,n,d", "sku is longer than 1000 bytes"),
        ("s\0,n,d", "the record holds a NUL byte"),
        ("s,n," + "x" * 100_000, "the record is longer than 90000 bytes"),
    ],
)
def test_a_reject_is_kept_with_file_position_raw_and_reason(job, rows, csv_file, line, reason):
    path = csv_file("a.csv", HEADER, "ok,é,d", line, "ok2,n,d")
    done = job("ingest", "products", path, "--max-rejects", "50%", "--max-record-bytes", 90_000)
    assert done.counts == {"read": 3, "rejected": 1, "inserted": 2}
    [(table, uri, position, raw, why, run)] = rows("rejects", "table", "file", "position", "raw", "reason", "run_id")
    assert (table, uri, position, why) == ("products", path.as_uri(), len(f"{HEADER}\nok,é,d\n".encode()), reason)
    assert raw == line.replace("\0", "\\x00")[:65_536]
    assert run == done.report["run_id"]


def test_bytes_that_do_not_decode_are_rejects(job, rows, csv_file):
    path = csv_file("a.csv", data=b"sku,name,description\ns1,caf\xe9,d\ns2,n,d\n")
    assert job("ingest", "products", path, "--max-rejects", 1).counts == {"read": 2, "rejected": 1, "inserted": 1}
    assert rows("rejects", "raw", "reason") == [("s1,caf\\xe9,d", "bytes that are not utf-8")]
    assert job("ingest", "products", path, "--encoding", "latin-1").counts == {
        "read": 2,
        "inserted": 1,
        "unchanged": 1,
    }
    assert rows("products", "sku", "name") == [("s1", "café"), ("s2", "n")]
    assert rows("rejects", "raw") == []


def test_more_rejects_than_allowed_merge_nothing_and_are_kept_once(job, lake, rows, csv_file):
    good = csv_file("good.csv", HEADER, *(f"s{i},n,d" for i in range(98)))
    bad = csv_file("bad.csv", HEADER, *(f"t{i},n,d" for i in range(98)), ",1,", ",2,")
    for _ in range(2):
        done = job("ingest", "products", good, bad)
        assert (done.exit_code, done.report["status"]) == (4, "refused")
        assert done.report["error"].startswith(f"{bad.as_uri()}: 2 of 100 records rejected, more than 1% allowed")
        assert done.stderr.splitlines()[-1] == f"ingest: {done.report['error']}"
        assert len(rows("rejects", "raw")) == 2
    assert not (lake / "products").exists()
    assert job("ingest", "products", good, bad, "--max-rejects", "2%").exit_code == 0
    assert len(rows("rejects", "raw")) == 2
    bad.write_text(f"{HEADER}\nt1,n,d\n")
    assert job("ingest", "products", bad).counts == {"read": 1, "unchanged": 1}
    assert rows("rejects", "raw") == []


def test_an_open_quote_is_refused_with_its_byte_unless_everything_may_be_rejected(job, lake, rows, csv_file):
    path = csv_file("a.csv", HEADER, "s1,n,d", 's2,n,"open', "s3,n,d")
    done = job("ingest", "products", path, "--max-rejects", "99%")
    assert done.exit_code == 3
    assert f"{path.as_uri()}: a quote is still open at the end of the file; it was opened at byte 33" in done.stderr
    assert not (lake / "products").exists()
    done = job("ingest", "products", path, "--max-rejects", "100%")
    assert (done.exit_code, done.counts) == (0, {"read": 2, "rejected": 1, "inserted": 1})
    assert rows("rejects", "position", "raw") == [(28, 's2,n,"open\ns3,n,d')]


@pytest.mark.parametrize(
    ("data", "message"),
    [
        (b"", "the file is empty: expected a header like name,sku,description"),
        (bytes(range(256)) * 20, "not a CSV file in utf-8"),
        (b"\x89PNG\r\n\x1a\n\0\0\0", "not a CSV file in utf-8"),
        (b"sku,name\na,b\n", "no column 'description' in the header (sku, name): table products needs it"),
        (b"sku,name,description,price\n", "column 'price' is not in table products: take"),
        (b"sku,name,sku,description\n", "the header names column 'sku' twice"),
        (gzip.compress(b"sku,name,description\n" + b"s,n,d\n" * 9, mtime=0)[:-4], "cut short|cannot be read"),
    ],
)
def test_a_file_that_is_not_what_the_table_expects(job, lake, csv_file, data, message):
    path = csv_file("a.csv.gz" if data[:2] == b"\x1f\x8b" else "a.csv", data=data)
    done = job("ingest", "products", path)
    assert (done.exit_code, done.report["status"]) == (3, "failed")
    assert any(part in done.report["error"] for part in message.split("|"))
    assert path.as_uri() in done.report["error"]
    assert "Traceback" not in done.stderr
    assert not (lake / "products").exists()


def test_a_header_alone_is_no_failure(job, rows, csv_file):
    done = job("ingest", "products", csv_file("a.csv", HEADER))
    assert (done.exit_code, done.report["status"], done.counts) == (0, "succeeded", {})
    assert rows("products", "sku") == []
    assert job("ingest", "products", csv_file("b.csv", HEADER, "s,n,d")).counts == {"read": 1, "inserted": 1}


def test_what_is_not_there(job, tmp_path):
    missing = job("ingest", "products", tmp_path / "nothing.csv")
    assert missing.exit_code == 3
    assert "nothing.csv: no such file or folder" in missing.stderr
    unknown = job("ingest", "product", tmp_path)
    assert unknown.exit_code == 2
    assert "unknown table 'product': did you mean 'products'?" in unknown.stderr
    assert job("ingest", "products", tmp_path / "*.csv").report["status"] == "nothing_new"
    (tmp_path / "folder").mkdir()
    assert job("ingest", "products", tmp_path / "folder").report["status"] == "nothing_new"
    wrong = job("ingest", "products", tmp_path, "--max-rejects", "few")
    assert (wrong.exit_code, wrong.report["status"]) == (2, "failed")


@pytest.mark.parametrize(
    ("name", "compress"),
    [
        ("a.csv.gz", gzip.compress),
        ("a.csv.bz2", bz2.compress),
        ("a.csv.zst", lambda data: pa.compress(data, "zstd", asbytes=True)),
    ],
)
def test_compressed_files(job, rows, csv_file, name, compress):
    data = f"{HEADER}\ns1,n,d\n,x,\ns2,n,d\n".encode()
    done = job("ingest", "products", csv_file(name, data=compress(data)), "--max-rejects", 1)
    assert done.counts == {"read": 3, "rejected": 1, "inserted": 2}
    assert rows("rejects", "position") == [(len(f"{HEADER}\ns1,n,d\n"),)]


def test_a_file_cut_short_after_its_header_leaves_the_table_as_it_was(job, rows, csv_file):
    job("ingest", "products", csv_file("a.csv", HEADER, "s1,n,d"))
    noise = "\n".join(f"k{i},{os.urandom(200).hex()},d" for i in range(20_000))
    whole = gzip.compress(f"{HEADER}\n{noise}\n".encode())
    path = csv_file("b.csv.gz", data=whole[: len(whole) // 2])
    done = job("ingest", "products", path)
    assert done.exit_code == 3
    assert f"{path.as_uri()}: cannot be read (Truncated compressed stream)" in done.stderr
    assert rows("products", "sku") == [("s1",)]


def test_dialect_options(job, rows, csv_file):
    path = csv_file("a.txt", "# made by hand", "s1|it's|'a|b'", "s2|n|'it''s'")
    options = ["--delimiter", "|", "--quote", "'", "--no-header", "--skip-lines", 1]
    assert job("ingest", "products", path, *options).counts == {"read": 2, "inserted": 2}
    # without a header the columns stand in the order that the table names them: name, sku, description
    assert rows("products", "sku", "name", "description") == [("it's", "s1", "a|b"), ("n", "s2", "it's")]
    wrong = job("ingest", "products", path, "--delimiter", "||")
    assert (wrong.exit_code, "'||' is not one ASCII character" in wrong.stderr) == (2, True)


def test_a_dry_run_counts_everything_and_commits_nothing(job, lake, csv_file):
    path = csv_file("a.csv", HEADER, "s1,n,d", "s1,m,d", ",x,")
    done = job("ingest", "products", path, "--dry-run", "--max-rejects", "50%")
    assert done.counts == {"read": 3, "rejected": 1, "duplicate": 1, "inserted": 1}
    assert [path.name for path in lake.iterdir()] == ["_locks"]


def test_after_clear_restore_or_a_deleted_folder_a_file_is_new_again(job, lake, rows, csv_file):
    first, second = csv_file("1.csv", HEADER, "s1,n,d"), csv_file("2.csv", HEADER, "s2,n,d")
    job("ingest", "products", first)
    job("ingest", "products", second)
    assert job("maintain", "restore", "products", "--version", 0).report["table_version"] == 2
    assert rows("products", "sku") == [("s1",)]
    assert job("ingest", "products", first, second).report["files_skipped"] == 1
    cleared = job("maintain", "clear", "products")
    assert (cleared.counts, rows("products", "sku")) == ({"removed": 2}, [])
    assert job("ingest", "products", first, second).counts == {"read": 2, "inserted": 2}
    shutil.rmtree(lake / "products")
    assert job("ingest", "products", first, second).counts == {"read": 2, "inserted": 2}
    beyond = job("maintain", "restore", "products", "--version", 9)
    assert (beyond.exit_code, "has no version 9: choose one from 0 to 0" in beyond.stderr) == (2, True)


def test_every_commit_of_a_run_carries_its_id_and_none_other(job, lake, spark, csv_file):
    path = csv_file("a.csv", HEADER, "s1,n,d", ",x,")
    job("ingest", "products", path, "--run-id", "one", "--max-rejects", "100%")
    job("ingest", "products", csv_file("b.csv", HEADER, "s1,m,d"), "--run-id", "two")
    assert user_metadata(lake, "products") == ["one", "two"]
    assert user_metadata(lake, "rejects") == ["one"]
    assert user_metadata(lake, "ingested_files") == ["one", "two"]
    assert set(user_metadata(lake, "runs")) == {"one", "two"}
    assert spark.conf.get("spark.databricks.delta.commitInfo.userMetadata", None) is None


def test_runs_and_ingested_files(job, rows, csv_file):
    path = csv_file("a.csv", HEADER, "s1,n,d", ",x,")
    job("ingest", "products", path, "--run-id", "nightly")
    job("ingest", "products", path, "--run-id", "nightly", "--max-rejects", "50%")
    runs = rows("runs", "run_id", "attempt", "job", "table", "status")
    assert runs == [("nightly", 1, "ingest", "products", "refused"), ("nightly", 2, "ingest", "products", "succeeded")]
    (_, report), (_, second) = rows("runs", "attempt", "report")
    assert json.loads(report)["rows_rejected"] == 1
    assert json.loads(second)["rows_inserted"] == 1
    [(table, uri, size, read, rejected, version)] = rows(
        "ingested_files", "table", "file", "size", "rows_read", "rows_rejected", "table_version"
    )
    assert (table, uri, size, read, rejected, version) == ("products", path.as_uri(), path.stat().st_size, 2, 1, 0)


def test_rejects_list_shows_them_in_the_report_and_as_a_table(job, csv_file):
    assert job("rejects", "list").report["rows"] == []
    job("ingest", "products", csv_file("a.csv", HEADER, ",x,", "s"), "--max-rejects", "100%")
    shown = job("rejects", "list", "products", "--limit", 1)
    assert [(row["position"], row["raw"], row["reason"]) for row in shown.report["rows"]] == [
        (21, ",x,", "sku is empty")
    ]
    assert "sku is empty" in shown.stderr
    assert len(job("rejects", "list").report["rows"]) == 2


def test_a_young_file_is_left_for_later(job, csv_file):
    path = csv_file("a.csv", HEADER, "s1,n,d")
    assert job("ingest", "products", path, "--min-age", 60).report["status"] == "nothing_new"
    os.utime(path, (1, 1))
    assert job("ingest", "products", path, "--min-age", 60).counts == {"read": 1, "inserted": 1}


def test_a_file_from_the_future_is_read(job, csv_file):
    path = csv_file("a.csv", HEADER, "s1,n,d")
    os.utime(path, (4e9, 4e9))
    assert job("ingest", "products", path).counts == {"read": 1, "inserted": 1}


def test_files_are_ordered_by_path_and_hidden_ones_left_out_of_globs(job, rows, csv_file, tmp_path):
    csv_file("a1.csv", HEADER, "s,from a1,")
    csv_file("é.csv", HEADER, "s,from é,")
    csv_file("_SUCCESS", data=b"")
    assert job("ingest", "products", tmp_path / "in" / "*").counts == {"read": 2, "duplicate": 1, "inserted": 1}
    assert rows("products", "name") == [("from é",)]


def test_a_result_file_that_cannot_be_written_is_told_before_any_work(job, lake, csv_file, tmp_path):
    done = job("ingest", "products", csv_file("a.csv", HEADER, "s,n,d"), "--result-file", tmp_path / "no" / "r.json")
    assert (done.exit_code, "its folder does not exist" in done.stderr, lake.exists()) == (2, True, False)


def test_a_header_with_a_huge_field(job, csv_file):
    done = job("ingest", "products", csv_file("a.csv", "x" * 200_000, "s,n,d"))
    assert (done.exit_code, "its header cannot be read" in done.stderr) == (3, True)


def test_names_with_spaces_quotes_and_percent_signs(job, rows, csv_file):
    path = csv_file("it's 100% a b.csv", HEADER, "s1,n,d", ",x,")
    for _ in range(2):
        assert job("ingest", "products", path, "--max-rejects", 1, "--reprocess").exit_code == 0
    assert rows("rejects", "file") == [(path.as_uri(),)]
