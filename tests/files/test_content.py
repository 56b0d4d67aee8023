"""What first bytes say of a file, and files read by that whatever their names and encodings."""

from __future__ import annotations

import bz2
import gzip

import pyarrow as pa
import pytest
from conftest import HEADER
from sluice.errors import InputError
from sluice.files.content import compression_of, utf16_of
from sluice.files.find import find_files
from sluice.files.reading import open_input
from sluice.readers.shared.pieces import PIECE_BYTES, beginning


@pytest.mark.parametrize(
    ("head", "compression"),
    [
        (gzip.compress(b"", mtime=0), "gzip"),
        (bz2.compress(b"x"), "bz2"),
        (bz2.compress(b""), "bz2"),
        (pa.compress(b"x", "zstd", asbytes=True), "zstd"),
        (b"\x5f\x2a\x4d\x18\x01\0\0\0\0", "zstd"),
        (b"BZh9,name", None),
        (b"sku,name", None),
        (b"", None),
    ],
)
def test_compression(head, compression):
    assert compression_of("a", head[:10]) == compression


@pytest.mark.parametrize(
    ("head", "what"),
    [
        (b"PK\x03\x04\x14", "a ZIP archive or an office document"),
        (b"\xfd7zXZ\x00", "compressed with xz"),
        (b"7z\xbc\xaf\x27\x1c", "a 7z archive"),
        (b"\x04\x22\x4d\x18", "compressed with LZ4"),
    ],
)
def test_other_archives_are_named(head, what):
    with pytest.raises(InputError, match=f"^a: is {what}: unpack"):
        compression_of("a", head)


@pytest.mark.parametrize("encoding", ["utf-16-le", "utf-16-be"])
def test_utf16(encoding):
    text = "sku,name\n1,München\n"
    assert utf16_of("a", f"\ufeff{text}".encode(encoding)) == encoding
    assert utf16_of("a", text.encode()) is None
    assert utf16_of("a", bytes(100) + text.encode()) is None  # a log that was truncated while it was written
    name = encoding.upper().replace("-LE", "LE").replace("-BE", "BE")
    with pytest.raises(InputError, match=rf"^a: looks like UTF-16 without .* \(iconv -f {name} -t UTF-8\)"):
        utf16_of("a", text.encode(encoding))
    with pytest.raises(InputError, match=r"^a: is UTF-32"):
        utf16_of("a", f"\ufeff{text}".encode(encoding.replace("16", "32")))


def test_utf16_is_read_as_utf8_to_its_last_character(tmp_path):
    text = "\ufeff" + "ä😀\n" * (PIECE_BYTES // 4)  # pieces end within characters
    (tmp_path / "a").write_bytes(text.encode("utf-16-le"))
    (tmp_path / "b").write_bytes(gzip.compress(text.encode("utf-16-be")))
    (tmp_path / "c").write_bytes(text.encode("utf-16-le")[:-1])
    (tmp_path / "d").write_bytes("\ufeffa\n\ud800b".encode("utf-16-le", "surrogatepass"))
    whole, packed, cut, half = (beginning(file) for file in find_files([str(tmp_path)]))
    for each in (whole, packed):
        assert (len(each.piece), each.begin, each.marked) == (PIECE_BYTES, 3, True)
        with open_input(each.file, 5) as stream:
            assert stream.read() == text.encode()[5:]
    with pytest.raises(InputError, match="ends in the middle"), open_input(cut.file) as stream:
        stream.read()
    assert half.piece == b"\xef\xbb\xbfa\n\xed\xa0\x80b"  # a record of the second line is a reject


def test_files_are_read_by_what_they_are_not_by_their_names(job, rows, csv_file):
    def text(name):
        return f"{HEADER}\n{name},Müller,\n"

    empty = bz2.compress(b"")
    data = {
        "a.csv": text("a").encode("cp1252"),
        "b.csv": b"\xef\xbb\xbf" + text("b").encode(),
        "c.csv": b"\xef\xbb\xbf" * 2 + text("c").encode(),
        "d.csv": text("d").encode("utf-16"),
        "e.csv": gzip.compress(("\ufeff" + text("e")).encode("utf-16-be")),
        "f.csv.gz": text("f").encode("cp1252"),
        "g.GZ": gzip.compress(text("g").encode("cp1252")),
        "h.csv.bz2": empty
        + bz2.compress(text("h").encode("cp1252")[:40])
        + empty * 2
        + bz2.compress(text("h").encode("cp1252")[40:]),
        "i.csv": b"",
        "j.csv": text("j").encode("utf-16-le"),
        "k.csv.bz2": bz2.compress(text("k").encode())[:-9] + b"no bzip2!",
        "l.csv.zst": b"\x28\xb5\x2f\xfd" + text("l").encode(),
        "m.csv.gz": b"\x1f\x8b\x08" + text("m").encode(),
    }
    paths = [csv_file(name, data=content) for name, content in data.items()]
    done = job("ingest", "products", *paths, "--encoding", "cp1252", "--on-bad-file", "skip")
    assert (done.exit_code, done.counts) == (0, {"read": 8, "inserted": 8}), done.stderr
    assert rows("products", "sku", "name") == [(name, "Müller") for name in "abcdefgh"]
    left = [line for line in done.stderr.splitlines() if "left out: " in line]
    reasons = ["the file is empty", "looks like UTF-16 without", "cannot be read", "cannot be read", "cannot be read"]
    assert [reason in line for reason, line in zip(reasons, left, strict=True)] == [True] * 5, left


@pytest.mark.parametrize("end", ["\r", "\n", "\r\n"])
def test_whatever_ends_a_line_ends_a_line_to_skip(job, rows, csv_file, end):
    lines = ["exported by probe 7", "", HEADER, "a,x,", "b,y,"]
    path = csv_file("a.csv", data=end.join(lines).encode())
    assert job("ingest", "products", path, "--skip-lines", 2).counts == {"read": 2, "inserted": 2}
    assert rows("products", "sku") == [("a",), ("b",)]
    done = job("ingest", "products", path, "--skip-lines", 5, "--reprocess")
    assert done.exit_code == 3
    assert "a.csv: --skip-lines 5, but it has only 4 line ends" in done.stderr
