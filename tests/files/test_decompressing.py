"""Files that give more than is allowed are refused before they do; whatever they say of their size."""

from __future__ import annotations

import bz2
import gzip
from dataclasses import replace

import pyarrow as pa
import pytest
from sluice.errors import InputError
from sluice.files import decompressing
from sluice.files.decompressing import shown_size
from sluice.files.find import find_files
from sluice.files.reading import open_input, with_compression

MIB = 1 << 20
LINE = b"2024-10-02 05:10:46 cust_40 /api/v1/resource1 200 0.316\n"


def zstd(data):
    return pa.compress(data, "zstd", asbytes=True)


@pytest.fixture
def packed(tmp_path):
    """A file of these bytes, looked at."""

    def write(data, **changes):
        (tmp_path / "a").write_bytes(data)
        [file] = find_files([str(tmp_path / "a")])
        return replace(with_compression(file), **changes)

    return write


@pytest.fixture
def low(monkeypatch):
    """Limits that a test reaches in milliseconds."""
    monkeypatch.setattr(decompressing, "_FREE_BYTES", 16 * MIB)


def read(file):
    """How many bytes the file gives, and why no more."""
    count = 0
    try:
        with open_input(file) as stream:
            while piece := stream.read(MIB):
                count += len(piece)
    except InputError as error:
        return count, str(error).removeprefix(f"{file.uri}: ")
    return count, ""


@pytest.mark.parametrize("pack", [gzip.compress, bz2.compress, zstd])
def test_a_bomb_is_refused_before_much_of_it_is_given(packed, low, pack):
    count, reason = read(packed(pack(bytes(18 * MIB))))
    assert count < 5 * MIB  # a reader would parse it for long
    assert reason == (
        "decompresses to more than 500 times its size, and to more than 16M, as a file does that is made to fill "
        "disks: leave it out, or allow it with --max-decompressed 100G"
    )


def test_a_bomb_of_many_members_behind_honest_ones_is_refused(packed, low):
    honest = gzip.compress(b"".join(b"%d,%d\n" % (i, i * i) for i in range(1_000)))
    count, reason = read(packed(honest * 3 + gzip.compress(bytes(MIB)) * 64))
    assert (count < 16 * MIB, reason[:42]) == (True, "decompresses to more than 500 times its si")


@pytest.mark.parametrize("pack", [gzip.compress, zstd])
def test_a_log_of_identical_lines_is_read(packed, pack):
    lines = LINE * (20 * MIB // len(LINE))
    assert read(packed(pack(lines))) == (len(lines), "")


def test_gzip_packs_identical_lines_less_than_is_allowed(packed, low):
    lines = LINE[-17:] * (32 * MIB // 17)
    assert read(packed(gzip.compress(lines))) == (len(lines), "")


@pytest.mark.parametrize("pack", [gzip.compress, bz2.compress, zstd])
def test_a_given_limit_holds_to_the_byte_and_instead_of_the_ratio(packed, low, pack):
    data = pack(bytes(20 * MIB))
    assert read(packed(data, max_decompressed=20 * MIB)) == (20 * MIB, "")
    count, reason = read(packed(data, max_decompressed=20 * MIB - 1))
    assert (count < 20 * MIB, reason) == (
        True,
        "decompresses to more than 20971519: split it, or allow more with --max-decompressed",
    )


def test_files_are_read_as_before_within_the_limits(packed, low):
    text = b"".join(b"%d,%d\n" % (i, i * i) for i in range(10_000))
    assert read(packed(gzip.compress(b"") * 10_000 + gzip.compress(text))) == (len(text), "")
    assert read(packed(gzip.compress(text) + b"garbage"))[1].startswith("cannot be read")
    assert read(packed(gzip.compress(text)[:-9]))[1].startswith("cannot be read")
    assert read(packed(b"")) == (0, "")
    assert read(packed(bytes(32 * MIB))) == (32 * MIB, "")  # not compressed
    assert read(packed(gzip.compress(text.decode().encode("utf-16-le")), utf16="utf-16-le")) == (len(text), "")


@pytest.mark.parametrize(
    ("size", "shown"), [(1 << 40, "1T"), (100 << 30, "100G"), (1536 << 20, "1536M"), (1025, "1025")]
)
def test_sizes_are_shown_as_options_take_them(size, shown):
    assert shown_size(size) == shown
