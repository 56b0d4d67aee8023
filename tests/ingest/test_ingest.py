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
from sluice.catalog.catalog import BUILT_IN
from sluice.errors import InputError
from sluice.ingest.plan import Options, make_plan

HEADER = "sku,name,description"
COMPRESSIONS = {
    "gz": gzip.compress,
    "bz2": bz2.compress,
    "zst": lambda data: pa.compress(data, "zstd", asbytes=True),
}


def planned(lake, *inputs, **options):
    """What an ingest of products would do."""
    products = BUILT_IN["products"]
    return make_plan(str(lake), products, [str(path) for path in inputs], Options(products.reading, **options))


def data_files(lake, table="products"):
    """The files that the table's current version consists of."""
    return {os.path.basename(path) for path in DeltaTable(lake / table).file_uris()}


def user_metadata(lake, table):
    logs = sorted((lake / table / "_delta_log").glob("*.json"))
    infos = [json.loads(line)["commitInfo"] for log in logs for line in log.open() if "commitInfo" in line]
    return [json.loads(info["userMetadata"])["run_id"] for info in infos]


def test_the_last_row_of_a_key_wins_and_every_row_is_counted_once_however_often_it_is_read(job, lake, rows, csv_file):
    first = csv_file("a.csv", HEADER, "s1,first,x", "s2,only,", 's1,last,"a\nb"', ",no key,y", "s3,too,many,fields")
    # columns are found by their names; sku and name are stripped
    second = csv_file("b.csv", "description, name ,sku", " d , n\t, t ", "e,  ,\tu")
    options = [first, second, "--max-rejects", 2]
    counts = {"read": 7, "rejected": 2, "duplicate": 1, "inserted": 4}
    dry = job("ingest", "products", *options, "--dry-run")
    assert (dry.exit_code, dry.counts, lake.exists()) == (0, counts, False)
    done = job("ingest", "products", *options)
    assert (done.exit_code, done.report["status"], done.report["table_version"]) == (0, "succeeded", 0)
    assert done.counts == counts
    stored = [("s1", "last", "a\nb"), ("s2", "only", None), ("t", "n", " d "), ("u", None, "e")]
    assert rows("products", "sku", "name", "description") == stored
    before = data_files(lake)
    again = job("ingest", "products", *options)
    assert (again.exit_code, again.report["status"], again.counts) == (0, "nothing_new", {})
    assert (again.report["files"], again.report["files_skipped"], again.report["table_version"]) == (0, 2, 0)
    redone = job("ingest", "products", *options, "--reprocess")
    assert redone.counts == {"read": 7, "rejected": 2, "duplicate": 1, "unchanged": 4}
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
    alone = job("ingest", "products", csv_file("0.csv", HEADER))  # a header alone is no failure
    assert (alone.exit_code, alone.report["status"], alone.counts) == (0, "succeeded", {})
    assert rows("products", "sku") == []
    last = csv_file("é.csv", HEADER, "s1,from é,d", "s2,,d", "s3,n,")
    csv_file("a1.csv", HEADER, "s1,from a1,d")
    csv_file("_SUCCESS", data=b"")  # hidden: not of the glob
    done = job("ingest", "products", last, tmp_path / "in" / "*")
    assert (done.report["files"], done.report["files_skipped"]) == (2, 1)
    assert done.counts == {"read": 4, "duplicate": 1, "inserted": 3}
    assert rows("products", "name") == [("from é",), ("n",), (None,)]
    # null and empty are the same, null and a value are not
    later = csv_file("1.csv", HEADER, "s1,later run,d", 's2,"",d', "s3,n,e")
    assert job("ingest", "products", later).counts == {"read": 3, "unchanged": 1, "updated": 2}
    assert rows("products", "sku", "name", "description") == [
        ("s1", "later run", "d"),
        ("s2", None, "d"),
        ("s3", "n", "e"),
    ]


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


REJECTS = [
    ("s,n", "2 fields, expected 3"),
    (",n,d", "sku is empty"),
    (" \t ,n,d", "sku is empty"),
    ("é" * 500 + "x,n,d", "sku is longer than 1000 bytes"),
    ("s\0,n,d", "the record holds a NUL byte"),
    ("s,n," + "x" * 100_000, "the record is longer than 90000 bytes"),
]


def test_rejects_are_kept_with_file_position_raw_and_reason_until_their_file_is_read_without_them(job, rows, csv_file):
    assert job("rejects", "list").report["rows"] == []
    first = csv_file("a.csv", HEADER, *(line for bad, _ in REJECTS for line in ("ok,é,d", bad)), "ok2,n,d")
    latin = csv_file("it's 100% a b.csv", data=f"{HEADER}\n".encode() + b"s1,caf\xe9,d\ns2,n,d\n,x,\n")
    done = job("ingest", "products", first, latin, "--max-rejects", "80%", "--max-record-bytes", 90_000)
    assert done.counts == {"read": 16, "rejected": 8, "duplicate": 5, "inserted": 3}
    expected, position = [], len(f"{HEADER}\n")
    for line, reason in REJECTS:
        position += len("ok,é,d\n".encode())
        expected.append((first.as_uri(), position, line.replace("\0", "\\x00")[:65_536], reason))
        position += len(f"{line}\n".encode())
    expected += [
        (latin.as_uri(), 21, "s1,caf\\xe9,d", "bytes that are not utf-8: name the file's --encoding"),
        (latin.as_uri(), 38, ",x,", "sku is empty"),
    ]
    found = rows("rejects", "table", "file", "position", "raw", "reason", "run_id")
    assert found == sorted((("products", *reject, done.report["run_id"]) for reject in expected), key=repr)

    shown = job("rejects", "list", "products", "--file", latin.name, "--limit", 1)
    assert [(row["file"], row["reason"]) for row in shown.report["rows"]] == [(latin.as_uri(), expected[-2][-1])]
    assert "bytes that are not utf-8: name the file's --encoding" in shown.stderr
    listed = [
        (row["file"], row["position"], row["raw"], row["reason"]) for row in job("rejects", "list").report["rows"]
    ]
    assert sorted(listed) == sorted(expected)

    again = job("ingest", "products", latin, "--encoding", "latin-1", "--max-rejects", 1)
    assert again.counts == {"read": 3, "rejected": 1, "inserted": 1, "unchanged": 1}
    assert rows("products", "sku", "name") == [("ok", "é"), ("ok2", "n"), ("s1", "café"), ("s2", "n")]
    of_latin = [row[1:] for row in rows("rejects", "file", "raw", "run_id") if row[0] == latin.as_uri()]
    assert of_latin == [(",x,", again.report["run_id"])]
    assert len(rows("rejects", "raw")) == 7


def test_more_rejects_than_allowed_merge_nothing_and_are_kept_once(job, lake, rows, spark, csv_file):
    good = csv_file("good.csv", HEADER, *(f"s{i},n,d" for i in range(98)))
    bad = csv_file("bad.csv", HEADER, *(f"t{i},n,d" for i in range(98)), ",1,", ",2,")
    for _ in range(2):
        done = job("ingest", "products", good, bad, "--run-id", "nightly")
        assert (done.exit_code, done.report["status"]) == (4, "refused")
        assert done.report["error"].startswith(f"{bad.as_uri()}: 2 of 100 records rejected, more than 1% allowed")
        assert done.stderr.splitlines()[-1] == f"ingest: {done.report['error']}"
        assert len(rows("rejects", "raw")) == 2
    assert not (lake / "products").exists()
    assert job("ingest", "products", good, bad, "--max-rejects", "2%", "--run-id", "nightly").exit_code == 0
    assert len(rows("rejects", "raw")) == 2
    columns = ("table", "file", "size", "rows_read", "rows_rejected", "table_version")
    good_one = ("products", good.as_uri(), good.stat().st_size, 98, 0, 0)
    assert rows("ingested_files", *columns) == [("products", bad.as_uri(), bad.stat().st_size, 100, 2, 0), good_one]
    bad.write_text(f"{HEADER}\nt1,n,d\nt2,m,d\n")
    assert job("ingest", "products", bad, "--run-id", "two").counts == {"read": 2, "unchanged": 1, "updated": 1}
    assert rows("rejects", "raw") == []

    # what Sluice keeps of these runs and files
    runs = rows("runs", "run_id", "attempt", "job", "table", "status")
    assert runs == [
        ("nightly", 1, "ingest", "products", "refused"),
        ("nightly", 2, "ingest", "products", "refused"),
        ("nightly", 3, "ingest", "products", "succeeded"),
        ("two", 1, "ingest", "products", "succeeded"),
    ]
    reports = [json.loads(report) for _, _, report in rows("runs", "run_id", "attempt", "report")]
    assert [report["rows_rejected"] for report in reports] == [2, 2, 2, 0]
    assert reports[2]["rows_inserted"] == 196
    assert rows("ingested_files", *columns) == [("products", bad.as_uri(), bad.stat().st_size, 2, 0, 1), good_one]
    # every commit of a run carries its id, and none other
    assert user_metadata(lake, "products") == ["nightly", "two"]
    assert user_metadata(lake, "ingested_files") == ["nightly", "two"]
    assert set(user_metadata(lake, "rejects")) == {"nightly", "two"}
    assert set(user_metadata(lake, "runs")) == {"nightly", "two"}
    assert spark.conf.get("spark.databricks.delta.commitInfo.userMetadata", None) is None


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
        (
            b"sku,nmae,price,descripton\n",
            "its header lacks 'name', 'description', which table products needs, and has 'nmae', 'descripton', 'price'"
            ", which it does not know: rename in the file, or read the columns by their order with --no-header --ski",
        ),
        (b"sku,name,description,,\n", "column 4 has no name in the header: name it, remove it, or leave it out with"),
        (b"sku,name,description,price\n", "column 'price' is not in table products: add to"),
        (b"sku,name,sku,description\n", "the header names column 'sku' twice"),
        (gzip.compress(b"sku,name,description\n" + b"s,n,d\n" * 9, mtime=0)[:-4], "cannot be read (Truncated"),
        (b"x" * 200_000 + b"\ns,n,d\n", "its header cannot be read"),
    ],
)
def test_a_file_that_is_not_what_the_table_expects(lake, csv_file, data, message):
    path = csv_file("a.csv.gz" if data[:2] == b"\x1f\x8b" else "a.csv", data=data)
    with pytest.raises(InputError) as raised:
        planned(lake, path)
    assert str(raised.value).startswith(f"{path.as_uri()}: {message}")


def test_a_file_that_cannot_be_read_fails_the_run_before_any_work(job, lake, csv_file):
    path = csv_file("a.csv", data=b"")
    done = job("ingest", "products", path)
    assert (done.exit_code, done.report["status"]) == (3, "failed")
    assert done.report["error"].startswith(f"{path.as_uri()}: the file is empty")
    assert done.stderr.splitlines()[-1] == f"ingest: {done.report['error']}"
    assert "Traceback" not in done.stderr
    assert not lake.exists()


def test_what_is_not_there(job, tmp_path):
    missing = job("ingest", "products", tmp_path / "nothing.csv")
    assert missing.exit_code == 3
    assert "nothing.csv: no such file or folder" in missing.stderr
    unknown = job("ingest", "product", tmp_path)
    assert unknown.exit_code == 2
    assert "unknown table 'product': did you mean 'products'?" in unknown.stderr
    (tmp_path / "folder").mkdir()
    assert job("ingest", "products", tmp_path / "*.csv", tmp_path / "folder").report["status"] == "nothing_new"
    wrong = job("ingest", "products", tmp_path, "--max-rejects", "few")
    assert (wrong.exit_code, wrong.report["status"]) == (2, "failed")


def test_compressed_files_and_one_that_is_cut_short_after_its_header(job, rows, csv_file):
    files = []
    for kind, compress in COMPRESSIONS.items():
        data = f"{HEADER}\n{kind}1,n,d\n,x,\n{kind}2,n,d\n".encode()
        files.append(csv_file(f"a.csv.{kind}", data=compress(data)))
    done = job("ingest", "products", *files, "--max-rejects", 1)
    assert done.counts == {"read": 9, "rejected": 3, "inserted": 6}
    skus = [(f"{kind}{n}",) for kind in ("bz2", "gz", "zst") for n in (1, 2)]
    assert rows("products", "sku") == skus
    assert rows("rejects", "file", "position") == [
        (f.as_uri(), len(f"{HEADER}\n{kind}1,n,d\n")) for kind, f in sorted(zip(COMPRESSIONS, files, strict=True))
    ]

    noise = "\n".join(f"k{i},{os.urandom(200).hex()},d" for i in range(20_000))
    whole = gzip.compress(f"{HEADER}\n{noise}\n".encode())
    path = csv_file("b.csv.gz", data=whole[: len(whole) // 2])
    done = job("ingest", "products", path)
    assert done.exit_code == 3
    assert f"{path.as_uri()}: cannot be read (Truncated compressed stream)" in done.stderr
    assert rows("products", "sku") == skus


def test_joined_files_and_columns_without_a_name(job, rows, csv_file):
    path = csv_file("a.csv", HEADER + ",,", "a,x,,1,", HEADER + ",,", "b,y,,,2")
    done = job("ingest", "products", path, "--on-new-column", "ignore", "--max-rejects", 1)
    assert (done.exit_code, done.counts) == (0, {"read": 3, "rejected": 1, "inserted": 2})
    assert rows("rejects", "reason", "position") == [("the header again", 31)]
    again = job("ingest", "products", path, "--on-new-column", "ignore", "--header-rows", "keep")
    assert again.counts == {"read": 3, "inserted": 1, "unchanged": 2}
    assert rows("products", "sku", "name") == [("a", "x"), ("b", "y"), ("sku", "name")]


def test_delimiters_that_shells_and_spreadsheets_write(job, rows, csv_file):
    tab = csv_file("a.tsv", "sku\tname\tdescription", "a\tx,y\t")
    told = csv_file("b.csv", data=b"\xef\xbb\xbfsep=;\r\nsku;name;description\r\nb;x,y;\r\n")
    assert job("ingest", "products", tab, told, "--delimiter", r"\t").counts == {"read": 2, "inserted": 2}
    assert rows("products", "sku", "name") == [("a", "x,y"), ("b", "x,y")]


def test_dialect_options(job, rows, csv_file):
    path = csv_file("a.txt", "# made by hand", "s1|it's|'a|b'", "s2|n|'it''s'")
    options = ["--delimiter", "|", "--quote", "'", "--no-header", "--skip-lines", 1]
    assert job("ingest", "products", path, *options).counts == {"read": 2, "inserted": 2}
    # without a header the columns stand in the order that the table names them: name, sku, description
    assert rows("products", "sku", "name", "description") == [("it's", "s1", "a|b"), ("n", "s2", "it's")]
    wrong = job("ingest", "products", path, "--quote", "||")
    assert (wrong.exit_code, "'||' is not one ASCII character" in wrong.stderr) == (2, True)


def test_after_clear_restore_or_a_deleted_folder_a_file_is_new_again(job, lake, rows, csv_file):
    first, second = csv_file("1.csv", HEADER, "s1,n,d"), csv_file("2.csv", HEADER, "s2,n,d")

    def new():
        return [source.file.uri for source in planned(lake, first, second).sources]

    job("ingest", "products", first)
    job("ingest", "products", second)
    assert new() == []
    assert job("maintain", "restore", "products", "--version", 0).report["table_version"] == 2
    assert (rows("products", "sku"), new()) == ([("s1",)], [second.as_uri()])
    cleared = job("maintain", "clear", "products")
    assert (cleared.counts, rows("products", "sku"), len(new())) == ({"removed": 1}, [], 2)
    assert job("ingest", "products", first, second).counts == {"read": 2, "inserted": 2}
    shutil.rmtree(lake / "products")
    assert len(new()) == 2
    assert job("ingest", "products", first, second).counts == {"read": 2, "inserted": 2}
    beyond = job("maintain", "restore", "products", "--version", 9)
    assert (beyond.exit_code, "has no version 9: choose one from 0 to 0" in beyond.stderr) == (2, True)


def test_a_young_file_is_left_for_later_and_one_from_the_future_is_read(lake, csv_file):
    path = csv_file("a.csv", HEADER, "s1,n,d")

    def found(min_age):
        return len(planned(lake, path, min_age=min_age).sources)

    assert found(60) == 0
    os.utime(path, (1, 1))
    assert found(60) == 1
    os.utime(path, (4e9, 4e9))
    assert (found(60), found(0)) == (0, 1)


def test_a_result_file_that_cannot_be_written_is_told_before_any_work(job, lake, csv_file, tmp_path):
    done = job("ingest", "products", csv_file("a.csv", HEADER, "s,n,d"), "--result-file", tmp_path / "no" / "r.json")
    assert (done.exit_code, "its folder does not exist" in done.stderr, lake.exists()) == (2, True, False)
