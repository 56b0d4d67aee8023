"""With an input root nothing else is read: not by a name, a link, or a file that changed its place."""

from __future__ import annotations

import os
from dataclasses import replace

import pytest
from conftest import s3_client
from sluice.errors import InputError, UsageError
from sluice.files.find import find_files
from sluice.files.reading import open_input


@pytest.fixture
def folder(tmp_path):
    """A root `data` with a folder and a file in it; others beside it."""
    for name in ("data/day/a.csv", "data/b.csv", "data2/c.csv", "secret.csv"):
        (tmp_path / name).parent.mkdir(parents=True, exist_ok=True)
        (tmp_path / name).write_text(name)
    return tmp_path


def names_of(folder, *inputs, root="data"):
    files = find_files([str(folder / input_) for input_ in inputs], str(folder / root))
    return [os.path.relpath(file.path, folder) for file in files]


@pytest.mark.parametrize("inputs", ["data", "data/", "data/*", "data/**/*.csv", "data2/../data"])
def test_what_is_in_the_root_is_read(folder, inputs):
    assert {"data/b.csv"} <= {*names_of(folder, inputs)} <= {"data/b.csv", "data/day/a.csv"}


@pytest.mark.parametrize(
    "inputs", ["secret.csv", "data2", "data2/c.csv", "data/../secret.csv", "data*/c.csv", "missing.csv", "/dev/null"]
)
def test_what_is_not_in_the_root_is_refused(folder, inputs):
    with pytest.raises(UsageError, match=rf" is not in --input-root {folder}/data: only files in it are read$"):
        names_of(folder, "data", inputs)


@pytest.mark.parametrize("target", ["secret.csv", "data2", "missing.csv", ""])
@pytest.mark.parametrize("inputs", ["data", "data/out", "data/*", "data/**/*", "data/day/../out"])
def test_a_link_that_leads_out_of_the_root_is_refused(folder, target, inputs):
    (folder / "data" / "out").symlink_to(folder / target)
    message = rf"^{folder}/data/out: leads to {folder / target}, which is not in --input-root {folder}/data: only"
    with pytest.raises(UsageError, match=message):
        names_of(folder, inputs)


def test_links_within_the_root_and_to_it_are_followed(folder):
    (folder / "data" / "in").symlink_to(folder / "data" / "day")
    (folder / "data" / "up").symlink_to(folder / "data")
    (folder / "root").symlink_to(folder / "data")
    assert names_of(folder, "root", root="root") == ["root/b.csv", "root/day/a.csv"]
    assert names_of(folder, "data", root="root") == ["data/b.csv", "data/day/a.csv"]
    assert names_of(folder, "data", root=".") == ["data/b.csv", "data/day/a.csv"]
    assert names_of(folder, "data", root="/") == ["data/b.csv", "data/day/a.csv"]


@pytest.mark.parametrize("changed", ["b.csv", "day"])
def test_a_link_that_came_after_the_files_were_found_is_refused(folder, changed):
    files = find_files([str(folder / "data")], str(folder / "data"))
    os.rename(folder / "data" / changed, folder / changed)
    (folder / "data" / changed).symlink_to(folder / changed)
    kept, moved = sorted(files, key=lambda file: changed in file.uri)
    with open_input(kept) as stream:
        assert stream.read()
    with pytest.raises(InputError, match=f"leads out of --input-root {folder}/data now"), open_input(moved):
        pass
    with open_input(replace(moved, root=None)) as stream:
        assert stream.read()


def test_a_pipe_that_came_after_the_files_were_found_does_not_wait(folder):
    [file] = find_files([str(folder / "secret.csv")])
    (folder / "secret.csv").unlink()
    os.mkfifo(folder / "secret.csv")
    with pytest.raises(InputError, match="changed while being read"), open_input(file):
        pass


@pytest.mark.parametrize("root", ["nowhere", "secret.csv", "", "s3://", "ftp://data"])
def test_a_root_that_is_not_a_folder_is_wrong_usage(folder, monkeypatch, root):
    monkeypatch.chdir(folder)
    with pytest.raises(UsageError, match=f"^--input-root {root}: is not a folder"):
        find_files([str(folder / "data")], root)


def test_roots_on_s3(s3, folder):
    for key in ("logs/a.csv", "logs2/b.csv", "c.csv"):
        s3_client().put_object(Bucket="sluice", Key=f"root/{key}", Body=b"x")
    for root in ("s3://sluice/root/logs", "s3a://sluice/root/logs/", "S3://sluice", "s3://sluice/root/logs/a.csv"):
        for given in ("s3://sluice/root/logs/a.csv", "s3a://sluice/root/logs/*.csv", "s3a://sluice/root/logs"):
            if given.endswith("a.csv") or not root.endswith("a.csv"):
                assert [file.uri for file in find_files([given], root)][-1] == "s3a://sluice/root/logs/a.csv"
    for given in ("s3://sluice/root/logs2", "s3://sluice/root/c.csv", "s3a://sluice/root/log*/*", "s3://sluice"):
        with pytest.raises(UsageError, match="is not in --input-root s3a://sluice/root/logs: only files in it"):
            find_files([given], "s3://sluice/root/logs")
    with pytest.raises(UsageError, match=r"secret.csv: is not in --input-root s3a://sluice: "):
        find_files([str(folder / "secret.csv")], "s3://sluice")
    with pytest.raises(UsageError, match=r"^s3://sluice/root/c.csv: is not in --input-root "):
        find_files(["s3://sluice/root/c.csv"], str(folder))
