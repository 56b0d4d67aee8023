"""A file is there as a whole or not at all."""

from __future__ import annotations

import pytest
from sluice.files.output_file import output_file


def write_half(target):
    with output_file(target) as file:
        file.write(b"half")
        raise KeyboardInterrupt


def test_the_file_takes_the_earlier_ones_place_once_it_is_written(tmp_path):
    target = tmp_path / "a.txt"
    target.write_text("earlier")
    with output_file(target) as file:
        file.write(b"half")
        assert target.read_text() == "earlier"
        assert all(path.name.startswith(".") for path in tmp_path.iterdir() if path != target)
        file.write(b" and half")
    assert [(path.name, path.read_text()) for path in tmp_path.iterdir()] == [("a.txt", "half and half")]


def test_a_failure_leaves_the_earlier_file_and_nothing_else(tmp_path):
    target = tmp_path / "a.txt"
    target.write_text("earlier")
    with pytest.raises(KeyboardInterrupt):
        write_half(target)
    assert [(path.name, path.read_text()) for path in tmp_path.iterdir()] == [("a.txt", "earlier")]
