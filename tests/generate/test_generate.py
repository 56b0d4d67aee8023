"""Sample data: what the files hold, that the same call makes the same bytes, and how a call ends that cannot finish."""

from __future__ import annotations

import csv
import io
import os
import re
import signal
import sys
import time
from collections import Counter

import pytest
from conftest import run_job
from processes import assert_ended, jvms, read_until, wait_for
from sluice.generate import sample_file


def made(path, table, *options):
    assert run_job("generate", table, "--output", path, *options).exit_code == 0
    return path.read_bytes()


def test_products_are_csv_as_python_writes_it(tmp_path):
    text = made(tmp_path / "a.csv", "products", "--rows", 20_000).decode()
    header, *records = csv.reader(io.StringIO(text, newline=""))
    assert (header, len(records)) == (["name", "sku", "description"], 20_000)
    again = io.StringIO(newline="")
    csv.writer(again, lineterminator="\n").writerows([header, *records])
    assert again.getvalue() == text
    assert 175 < len(text) / 20_000 < 185
    names, skus, descriptions = zip(*records, strict=True)
    # Faker's own name() and slug() come to 17,891 and 19,824
    assert 17_700 < len(set(names)) < 18_100
    assert 19_780 < len(set(skus)) < 19_880
    assert 0.62 < sum("\n" in description for description in descriptions) / 20_000 < 0.66
    assert [name for name in names if not re.fullmatch(r"(\w+\.? )?\w+ \w+( \w+\.?)?", name)] == []
    titles = Counter(name.split()[0] for name in names if "." in name.split()[0])
    assert titles.keys() == {"Mr.", "Mrs.", "Ms.", "Dr."}
    assert [sku for sku in skus if not re.fullmatch(r"[a-z]+(-[a-z]+)*", sku) or len(sku) >= 20] == []
    sentences = r"([A-Z]\w*( \w+){2,7}\.[ \n])*[A-Z]\w*( \w+){2,7}\."
    assert [description for description in descriptions if not re.fullmatch(sentences, description)] == []


def test_requests(tmp_path):
    lines = made(tmp_path / "a.log", "requests", "--rows", 1_000, "--disorder", 60).decode().splitlines()
    line = r"(2024-10-\d\d \d\d:\d\d:\d\d) cust_([1-9]|[1-4]\d|50) /api/v1/resource[1-4] \d{3} [01]\.\d{3}"
    times = [re.fullmatch(line, text)[1] for text in lines]
    assert (len(times), times[0], times[-1][:10]) == (1_000, "2024-10-01 00:00:00", "2024-10-31")
    assert times == sorted(times)  # they are 45 minutes apart
    late = made(tmp_path / "a.log", "requests", "--rows", 1_000, "--disorder", 86_400).decode().splitlines()
    assert late != sorted(late)


def test_scores(tmp_path):
    lines = made(tmp_path / "a.txt", "scores", "--rows", 100_000).decode().splitlines()
    ids, values = zip(*(re.fullmatch(r"(\d{8})_(-?\d+(?:\.\d{3})?)", line).groups() for line in lines), strict=True)
    assert len(ids) == 100_000
    assert 900 < len(ids) - len(set(ids)) < 1_100
    assert 0.09 < sum("." in value for value in values) / 100_000 < 0.11
    assert 0.05 < sum(value.startswith("-") for value in values) / 100_000 < 0.07
    assert {".000", ".999"} <= {value[-4:] for value in values}
    assert [value for value in values if re.match(r"-?0\d|-0$", value)] == []


@pytest.mark.parametrize("table", ["products", "requests", "scores"])
def test_the_same_seed_makes_the_same_bytes_on_any_number_of_cores(tmp_path, monkeypatch, table):
    monkeypatch.setattr(sample_file, "_ROWS", 1_000)
    found = []
    for cores, seed in ((1, 1), (5, 1), (5, 2)):
        monkeypatch.setattr(os, "cpu_count", lambda cores=cores: cores)
        found.append(made(tmp_path / "a", table, "--rows", 9_999, "--seed", seed))
    assert found[0] == found[1] != found[2]


def test_parts_are_in_order_and_differ(tmp_path, monkeypatch):
    monkeypatch.setattr(sample_file, "_ROWS", 1_000)
    lines = made(tmp_path / "a", "requests", "--rows", 9_999, "--disorder", 0).decode().splitlines()
    assert (len(lines), [line[:19] for line in lines]) == (9_999, sorted(line[:19] for line in lines))
    durations = [[line.split()[-1] for line in lines[first : first + 100]] for first in range(0, 9_999, 1_000)]
    assert len(set(map(tuple, durations))) == 10


@pytest.mark.parametrize("table", ["products", "requests", "scores", "processes"])
def test_no_rows(tmp_path, table):
    assert run_job("generate", table, "--rows", 0, "--output", tmp_path / "a").exit_code == 0
    if table != "processes":
        assert (tmp_path / "a").read_bytes() == (b"name,sku,description\n" if table == "products" else b"")


@pytest.mark.parametrize(
    ("output", "why"),
    [("folder", "Is a directory"), ("file/a.csv", "Not a directory")],
)
def test_an_output_that_cannot_be_written_is_one_line(tmp_path, output, why):
    (tmp_path / "folder").mkdir()
    (tmp_path / "file").touch()
    done = run_job("generate", "products", "--rows", 1, "--output", tmp_path / output)
    expected = f"{tmp_path / output}: cannot be written ({why}): write elsewhere by --output"
    assert (done.exit_code, done.report["error"]) == (2, expected)
    assert done.stderr.splitlines()[-1] == f"generate: {expected}"
    assert sorted(path.name for path in tmp_path.iterdir()) == ["file", "folder"]


def test_a_full_disk_is_one_line_and_the_earlier_file_stays(small_disk):
    path = small_disk("2m") / "a.csv"
    earlier = made(path, "products", "--rows", 1)
    done = run_job("generate", "products", "--rows", 30_000, "--output", path)
    expected = f"{path}: cannot be written (No space left on device): free space there, or write elsewhere by --output"
    assert (done.exit_code, done.report["error"]) == (1, expected)
    assert "Traceback" not in done.stderr
    assert 'File "' not in done.stderr
    assert [(entry.name, entry.read_bytes()) for entry in path.parent.iterdir()] == [("a.csv", earlier)]


def test_a_signal_leaves_nothing(submit, tmp_path):
    """And no JVM is needed."""
    process = submit(
        "generate", "products", "--rows", 50_000_000, "--output", tmp_path / "out" / "a.csv", "--progress", "plain"
    )
    before = read_until(process, "generate …")
    wait_for(lambda: [path for path in tmp_path.glob("out/.*") if path.stat().st_size])
    assert jvms(process) == []
    began = time.monotonic()
    process.send_signal(signal.SIGTERM)
    assert_ended(process, signal.SIGTERM, began, before)
    assert list((tmp_path / "out").iterdir()) == []


def test_without_faker_products_say_what_to_install(tmp_path, monkeypatch):
    monkeypatch.setitem(sys.modules, "faker", None)
    for name in [name for name in sys.modules if name.startswith("faker.")]:
        monkeypatch.delitem(sys.modules, name)
    done = run_job("generate", "products", "--rows", 1, "--output", tmp_path / "a.csv")
    assert (done.exit_code, done.report["error"]) == (2, "sample products need Faker: install sluice[samples]")
    assert list(tmp_path.iterdir()) == []
