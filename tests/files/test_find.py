"""Which files an input names on local disk: folders, globs, hidden names, URIs; each file once, in order."""

from __future__ import annotations

import os
import socket
from datetime import UTC, datetime

import pytest
from sluice.errors import InputError, UsageError
from sluice.files.find import age_seconds, find_files
from sluice.files.reading import open_input


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


def test_links_are_followed_and_each_file_is_found_once_by_its_real_path(folder):
    (folder / "data").mkdir()
    (folder / "data" / "d.csv").write_text("")
    (folder / "in").mkdir()
    (folder / "in" / "link").symlink_to(folder / "data")
    (folder / "in" / "one.csv").symlink_to(folder / "a.csv")
    (folder / "in" / "two.csv").symlink_to(folder / "a.csv")
    assert names_of(folder, folder / "in") == ["in/link/d.csv", "in/one.csv"]
    assert names_of(folder, folder / "in" / "**" / "*.csv") == ["in/link/d.csv", "in/one.csv"]
    assert names_of(folder, folder / "in" / "*") == ["in/link/d.csv", "in/one.csv"]
    assert names_of(folder, folder / "in", folder / "data", folder / "a.csv") == ["a.csv", "data/d.csv"]


def test_links_in_circles_end(folder):
    for number in range(3):
        (folder / "day=1" / f"up{number}").symlink_to(folder)
        (folder / f"self{number}").symlink_to(folder)
    expected = ["a.csv", "b.csv", "day=1/x.csv"]
    assert names_of(folder, folder) == [*expected[:2], "c.txt", expected[2]]
    assert names_of(folder, folder / "**" / "*.csv") == expected
    assert names_of(folder, folder / "**" / "day=*" / "**" / "x.csv") == expected[2:]
    assert names_of(folder, folder / "**") == [*expected[:2], "c.txt", expected[2]]


def test_more_files_than_allowed_are_refused(folder):
    inputs = [str(folder), str(folder / "*.csv"), str(folder / "_SUCCESS")]
    assert len(find_files(inputs, max_files=5)) == 5
    with pytest.raises(UsageError, match=r"/_SUCCESS: more than 4 files: pass fewer at a time, or raise --max-files$"):
        find_files(inputs, max_files=4)


@pytest.mark.parametrize("inputs", ["deep", "**/*.csv"])
def test_folders_nested_too_deep_are_refused(folder, inputs):
    names, place = [f"{number}" for number in range(101)], folder / "deep"
    place.joinpath(*names[:99]).mkdir(parents=True)
    (place.joinpath(*names[:99]) / "d.csv").write_text("")
    assert any(name.endswith("/d.csv") for name in names_of(folder, folder / inputs))
    place.joinpath(*names).mkdir(parents=True)
    with pytest.raises(InputError, match=r"^/.*: has folders nested more than 100 deep: pass one further down$"):
        names_of(folder, folder / inputs)


def test_paths_longer_than_the_system_takes_and_links_to_themselves_are_one_line(folder):
    (folder / "self").symlink_to("self")
    long = "n" * 255
    place = os.open(folder / "day=1", os.O_RDONLY)
    for _ in range(17):  # each is made by the one above: no path would reach the last
        os.mkdir(long, dir_fd=place)
        place, above = os.open(long, os.O_RDONLY, dir_fd=place), place
        os.close(above)
    os.close(place)
    with pytest.raises(InputError, match=r"n: the folder cannot be listed \(File name too long\): check its perm"):
        names_of(folder, folder)
    with pytest.raises(InputError, match=r"no such file or folder"):
        names_of(folder, folder / "y/".join(["/"] * 3000))
    assert names_of(folder, folder / "se*") == ["self"]


def test_a_file_without_a_size_is_empty_whatever_it_gives():
    (file,) = find_files(["/proc/self/status"])
    with open_input(file) as stream:
        assert stream.read() == b""


@pytest.mark.parametrize("inputs", ["", "*", "**/*"])
def test_only_regular_files_of_a_folder_are_read(folder, inputs):
    os.mkfifo(folder / "pipe.csv")
    with socket.socket(socket.AF_UNIX) as listener:
        listener.bind(os.path.relpath(folder / "socket.csv"))
        assert names_of(folder, folder / inputs) == ["a.csv", "b.csv", "c.txt", "day=1/x.csv"]


@pytest.mark.parametrize("name", ["pipe.csv", "/dev/null"])
def test_what_is_no_regular_file_is_refused_where_it_is_named(folder, name):
    os.mkfifo(folder / "pipe.csv")
    with pytest.raises(InputError, match="is not a regular file: copy what it gives into a file"):
        names_of(folder, folder / name)


@pytest.mark.parametrize("inputs", ["", "*.csv", "**/*.csv"])
def test_a_link_to_nothing_fails_as_a_file_that_cannot_be_opened(folder, inputs):
    (folder / "dangling.csv").symlink_to(folder / "gone.csv")
    files = find_files([str(folder / inputs)])
    [dangling] = [file for file in files if file.uri.endswith("dangling.csv")]
    assert len(files) == {"": 5, "*.csv": 3, "**/*.csv": 4}[inputs]
    with pytest.raises(InputError, match=r"dangling.csv: is a link to nothing: delete it"), open_input(dangling):
        pass


def test_names_that_are_not_utf_8(folder):
    odd = os.fsencode(folder) + b"/\xff\xe4.csv"
    with open(odd, "wb") as file:
        file.write(b"x")
    for given in (os.fsdecode(odd), f"{folder.as_uri()}/%FF%E4.csv", os.fsdecode(odd[:-5]) + "*"):
        [found] = find_files([given])
        assert (found.uri, found.path, found.size) == (f"{folder.as_uri()}/%FF%E4.csv", os.fsdecode(odd), 1)
        with open_input(found) as stream:
            assert stream.read() == b"x"


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


@pytest.mark.parametrize("path", ["/dev/stdin", "/dev/fd/0"])
def test_what_only_this_process_can_read_is_no_file(path):
    with pytest.raises(InputError, match="is not a regular file: copy what it gives into a file"):
        find_files([path])
