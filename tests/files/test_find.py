"""Which files an input names on local disk: folders, globs, hidden names, URIs; each file once, in order."""

from __future__ import annotations

import os
from datetime import UTC, datetime

import pytest
from sluice.errors import InputError, UsageError
from sluice.files.find import age_seconds, find_files


@pytest.fixture
def folder(tmp_path):
    """A folder of files, some with hidden names, each as many bytes long as its path below the folder."""
    names = ["b.csv", "a.csv", "c.txt", "_SUCCESS", ".hidden.csv", "day=1/x.csv", "day=1/_tmp/y.csv", ".git/z.csv"]
    for name in names:
        path = tmp_path / name
        path.parent.mkdir(exist_ok=True)
        path.write_text("x" * len(name))
    return tmp_path


def names_of(folder, *inputs):
    files = find_files(str(input_) for input_ in inputs)
    return [os.path.relpath(file.path, folder) for file in files]


def test_a_folder_is_all_files_below_it_without_hidden_names(folder):
    assert names_of(folder, folder) == ["a.csv", "b.csv", "c.txt", "day=1/x.csv"]


@pytest.mark.parametrize(
    ("glob", "matches"),
    [
        ("*.csv", ["a.csv", "b.csv"]),
        ("?.csv", ["a.csv", "b.csv"]),
        ("[b-z].*", ["b.csv", "c.txt"]),
        ("**/*.csv", ["a.csv", "b.csv", "day=1/x.csv"]),
        ("day=*", ["day=1/x.csv"]),
        ("*.parquet", []),
        (".git/*.csv", [".git/z.csv"]),
        ("*/_tmp/*.csv", []),
    ],
)
def test_a_glob_is_what_matches_hidden_names_only_where_they_are_written_out(folder, glob, matches):
    assert names_of(folder, folder / glob) == matches


def test_a_file_is_found_once_however_often_it_is_named(folder, monkeypatch):
    monkeypatch.chdir(folder)
    inputs = ["b.csv", folder, folder / "*.csv", f"{folder}/./day=1/../b.csv", (folder / "b.csv").as_uri()]
    assert names_of(folder, *inputs) == ["a.csv", "b.csv", "c.txt", "day=1/x.csv"]


def test_a_hidden_file_that_is_named_is_meant(folder):
    assert names_of(folder, folder / "_SUCCESS", folder / ".git") == [".git/z.csv", "_SUCCESS"]


def test_a_file_whose_name_looks_like_a_glob_is_that_file(folder):
    (folder / "a[1].csv").write_text("")
    (folder / "a1.csv").write_text("")
    assert names_of(folder, folder / "a[1].csv") == ["a[1].csv"]


def test_uris_of_files_are_decoded(folder):
    odd = folder / "ä b%20#?.csv"
    odd.write_text("")
    assert names_of(folder, odd.as_uri()) == [odd.name]
    assert names_of(folder, f"file://localhost{folder}/a.csv") == ["a.csv"]


def test_size_and_time(folder):
    os.utime(folder / "a.csv", ns=(0, 1_700_000_000_123_456_789))
    (file,) = find_files([str(folder / "a.csv")])
    assert (file.size, file.modified_at) == (5, datetime(2023, 11, 14, 22, 13, 20, 123456, UTC))
    expected = (datetime.now(UTC) - file.modified_at).total_seconds()
    assert age_seconds(file) == pytest.approx(expected, abs=5)


def test_inputs_that_cannot_be_found_or_read(folder):
    with pytest.raises(InputError, match=r"nothing\.csv: no such file or folder: check the path"):
        find_files([str(folder / "nothing.csv")])
    with pytest.raises(UsageError, match="ftp:// is not supported: give a path, file:// or s3a://"):
        find_files(["ftp://host/a.csv"])
    (folder / "dangling.csv").symlink_to(folder / "missing")
    with pytest.raises(InputError, match=r"dangling.csv: cannot be read \(No such file or directory\): check that"):
        find_files([str(folder)])
