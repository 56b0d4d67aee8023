"""Where uploads land: names that would be paths, files that are not complete."""

from __future__ import annotations

import asyncio
import os
import time
from pathlib import Path

import pytest
from sluice.serve.body import of_bytes
from sluice.serve.landing import Landing, safe_name, shown_name


@pytest.mark.parametrize(
    ("given", "safe"),
    [
        ("products.csv", "products.csv"),
        ("../../etc/x", "x"),
        ("/etc/passwd", "passwd"),
        (r"C:\temp\a.csv", "a.csv"),
        ("..", "upload"),
        ("../", "upload"),
        (".hidden.csv", "hidden.csv"),
        ("_part.csv", "part.csv"),
        ("a\0b.csv", "a_b.csv"),
        ("größe 表.csv", "gr_e_.csv"),
        ("a*?[b].csv", "a_b_.csv"),
        ("2024-09-01T10:00:00Z.csv", "2024-09-01T10:00:00Z.csv"),
        ("", "upload"),
        ("表", "upload"),
        ("x" * 300 + ".csv", "x" * 96 + ".csv"),
        ("x." + "y" * 300, "x." + "y" * 20),
        ("%2e%2e%2fetc", "2e_2e_2fetc"),
    ],
)
def test_a_name_is_never_a_path(given, safe):
    assert safe_name(given) == safe
    assert os.path.basename(safe) == safe
    assert len(safe) <= 100


def test_a_name_is_shown_as_it_was_given():
    assert shown_name("größe 表.csv") == "größe 表.csv"
    assert shown_name("a\0\nb\udc80") == "a��b�"
    assert len(shown_name("x" * 1000)) == 300


class Breaking:
    """A file that breaks off, or is still coming."""

    name = "a.csv"

    async def pieces(self):
        yield b"1"
        raise ConnectionResetError


def landed(tmp_path: Path) -> list[str]:
    return sorted(str(path.relative_to(tmp_path)) for path in tmp_path.rglob("*") if path.is_file())


def test_a_file_is_there_as_a_whole_or_not_at_all(tmp_path):
    landing = Landing(str(tmp_path))
    landing.prepare()
    path = asyncio.run(landing.receive("products", "r1", of_bytes("../b.csv", b"1234")))
    assert (path, Path(path).read_bytes()) == (str(tmp_path / "products" / "r1" / "b.csv"), b"1234")
    with pytest.raises(ConnectionResetError):
        asyncio.run(landing.receive("products", "r3", Breaking()))
    assert landed(tmp_path) == ["products/r1/b.csv"]


def test_what_is_still_coming_is_hidden(tmp_path):
    landing = Landing(str(tmp_path))
    landing.prepare()

    class Coming(Breaking):
        async def pieces(self):
            yield b"1"
            assert landed(tmp_path) == [".unfinished/r1"]

    asyncio.run(landing.receive("products", "r1", Coming()))
    assert landed(tmp_path) == ["products/r1/a.csv"]


def test_what_was_left_long_ago_goes(tmp_path):
    old, new = tmp_path / ".unfinished" / "old", tmp_path / ".unfinished" / "new"
    old.parent.mkdir()
    old.touch()
    new.touch()
    os.utime(old, (0, time.time() - 100_000))
    Landing(str(tmp_path)).prepare()
    assert landed(tmp_path) == [".unfinished/new"]


def test_it_lands_in_a_bucket(s3):
    from sluice.files.find import find_files
    from sluice.files.reading import open_input

    landing = Landing("s3://sluice/landing")
    landing.prepare()
    uri = asyncio.run(landing.receive("products", "r1", of_bytes("a.csv", b"123")))
    assert uri == "s3://sluice/landing/products/r1/a.csv"
    (file,) = find_files([uri], "s3://sluice/landing")
    with open_input(file) as stream:
        assert stream.read() == b"123"
