"""The file of a form, piece by piece as it comes: it is never held as a whole."""

from __future__ import annotations

from collections.abc import AsyncIterator
from typing import Any

from python_multipart.exceptions import FormParserError
from python_multipart.multipart import MultipartParser, parse_options_header


class NoFile(Exception):
    """A form has no file, or is none."""


class FormFile:
    """The field `file` of a form: its `name`, known once its first piece has come, and its bytes."""

    def __init__(self, content_type: str, body: AsyncIterator[bytes]) -> None:
        """Raises NoFile if the header does not say where parts end."""
        self.name = ""
        self._body = body
        self._pieces: list[bytes] = []
        self._headers: dict[bytes, bytes] = {}
        self._field, self._value = b"", b""
        self._is_file, self._is_complete = False, False
        names = ("part_begin", "header_field", "header_value", "header_end", "headers_finished", "part_data", "end")
        callbacks: Any = {f"on_{name}": getattr(self, f"_on_{name}") for name in names}
        try:
            self._parser = MultipartParser(parse_options_header(content_type)[1][b"boundary"], callbacks)
        except (KeyError, FormParserError):
            raise NoFile("the header Content-Type has no valid boundary") from None

    async def pieces(self) -> AsyncIterator[bytes]:
        """The bytes of the file. Raises NoFile if there is none, or if the form is not complete."""
        try:
            async for data in self._body:
                self._parser.write(data)
                for piece in self._pieces:
                    yield piece
                self._pieces.clear()
        except FormParserError as error:
            raise NoFile(f"not a form ({error})") from None
        if not self._is_complete:
            raise NoFile("the form ends before its last boundary")
        if not self.name:
            raise NoFile("it has no field `file` with a file")

    def _on_part_begin(self) -> None:
        self._headers, self._is_file = {}, False

    def _on_header_field(self, data: bytes, start: int, end: int) -> None:
        self._field += data[start:end]

    def _on_header_value(self, data: bytes, start: int, end: int) -> None:
        self._value += data[start:end]

    def _on_header_end(self) -> None:
        self._headers[self._field.lower()] = self._value
        self._field = self._value = b""

    def _on_headers_finished(self) -> None:
        options = parse_options_header(self._headers.get(b"content-disposition"))[1]
        name = options.get(b"filename", b"").decode(errors="replace")
        if name and options.get(b"name") == b"file" and not self.name:
            self.name, self._is_file = name, True

    def _on_end(self) -> None:
        self._is_complete = True

    def _on_part_data(self, data: bytes, start: int, end: int) -> None:
        if self._is_file:
            self._pieces.append(data[start:end])
