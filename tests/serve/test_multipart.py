"""The file of a form, however its bytes are cut into pieces."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator

import httpx
import pytest
from sluice.serve.multipart import FormFile, NoFile

KIND = "multipart/form-data; boundary=b"


def read(body: bytes, size: int, kind: str = KIND) -> tuple[str, bytes]:
    """The name and the bytes of the file, whose form comes in pieces of so many bytes."""

    async def pieces() -> AsyncIterator[bytes]:
        for at in range(0, len(body), size):
            yield body[at : at + size]

    async def all_of_it() -> tuple[str, bytes]:
        file = FormFile(kind, pieces())
        data = b"".join([piece async for piece in file.pieces()])
        return file.name, data

    return asyncio.run(all_of_it())


def part(name: str, data: bytes) -> bytes:
    return f"--b\r\nContent-Disposition: form-data; {name}\r\n\r\n".encode() + data + b"\r\n"


@pytest.mark.parametrize("size", [1, 2, 7, 10_000])
def test_the_file_is_what_was_sent(size):
    other, data = part('name="token"', b"x"), b"sku,name\r\n--b\r1,\xff\x00\r\n"
    form = other + part('name="file"; filename="a b.csv"', data) + other + b"--b--\r\n"
    assert read(form, size) == ("a b.csv", data)


def test_of_several_files_the_first_one_is_taken():
    form = part('name="x"; filename="x"', b"0") + part('name="file"; filename="a"', b"1")
    assert read(form + part('name="file"; filename="b"', b"2") + b"--b--\r\n", 5) == ("a", b"1")


@pytest.mark.parametrize(
    "form",
    [
        b"",
        b"nothing of the kind",
        b"--b--\r\n",
        part('name="file"', b"1") + b"--b--\r\n",
        part('name="file"; filename=""', b"1") + b"--b--\r\n",
        part('name="other"; filename="a"', b"1") + b"--b--\r\n",
        part('name="file"; filename="a"', b"1"),
        b"--b\r\n" + b"X" * 10_000,
    ],
)
def test_a_form_without_a_file_or_without_its_end_is_refused(form):
    with pytest.raises(NoFile):
        read(form, 100)


@pytest.mark.parametrize("kind", ["multipart/form-data", "multipart/form-data; boundary=" + "x" * 300])
def test_a_header_without_a_boundary_is_refused(kind):
    with pytest.raises(NoFile):
        read(b"--b--\r\n", 100, kind)


def test_a_client_s_own_form():
    request = httpx.Request("POST", "http://x", files={"file": ('größe "1".csv', b"1,2\n")})
    name, data = read(request.read(), 3, request.headers["content-type"])
    assert data == b"1,2\n"
    assert name.startswith("größe")
