"""What a CSV file's bytes mean: the options that change its rows."""

from __future__ import annotations

from dataclasses import dataclass, field

from sluice.errors import UsageError
from sluice.readers.shared.encoding import byte_wise, decodes
from sluice.readers.shared.reading import LATER


@dataclass(frozen=True)
class Dialect:
    """RFC 4180 by default. `delimiter` is one or more ASCII characters, `quote` and `escape` are one ("" for none).

    `skip_lines` are left out at the start of each file. Without a `header`, fields are the table's columns in their
    order. Rejects are a record of more than `max_record_bytes`; with `strict_quotes` one with a quote within a field
    that does not begin with one; and unless `header_rows` is `keep` one that equals the header. A field that is the
    text `null` is null, as an empty one. With `escape_sequences` the escaped letters n, t, r, b, f and v are control
    characters, as in dumps of MySQL and PostgreSQL. With `skip_initial_space` blanks before a field are not part of it.
    Raises UsageError for what cannot be scanned.
    """

    delimiter: str = ","
    quote: str = '"'
    escape: str = ""
    encoding: str = "utf-8"
    skip_lines: int = 0
    header: bool = True
    max_record_bytes: int = 1 << 20
    strict_quotes: bool = field(default=False, metadata=LATER)
    header_rows: str = field(default="reject", metadata=LATER)
    null: str = field(default="", metadata=LATER)
    escape_sequences: bool = field(default=False, metadata=LATER)
    skip_initial_space: bool = field(default=False, metadata=LATER)

    def __post_init__(self) -> None:
        if self.delimiter == r"\t":  # as shells pass it on
            object.__setattr__(self, "delimiter", "\t")
        if not self.delimiter or not self.delimiter.isascii() or set(self.delimiter) & set("\r\n\0"):
            raise UsageError(
                f"--delimiter {self.delimiter!r}: give one or more ASCII characters, none that ends a line"
            )
        for mark in filter(None, (self.quote, self.escape)):
            if len(mark) != 1 or not mark.isascii() or mark in "\r\n\0":
                raise UsageError(f"{mark!r} is not one ASCII character: quote and escape must be")
        others = self.quote + self.escape
        if set(self.delimiter) & set(others) or len(set(others)) < len(others):
            raise UsageError("delimiter, quote and escape must differ (a doubled quote needs no --escape)")
        if self.skip_initial_space and self.delimiter.startswith(" "):
            raise UsageError("--skip-initial-space needs a --delimiter that does not begin with a blank")
        if self.escape_sequences and not self.escape:
            raise UsageError("--escape-sequences needs --escape, such as a backslash")
        object.__setattr__(self, "encoding", byte_wise(self.encoding))

    @property
    def has_long_delimiter(self) -> bool:
        """Whether the delimiter has several characters."""
        return len(self.delimiter) > 1

    @property
    def cuttable(self) -> bool:
        """Whether a file can be cut after any newline byte: not where that byte may be escaped."""
        return not self.escape

    def decodes(self, text: bytes) -> bool:
        """Whether the bytes are text of the encoding."""
        return decodes(text, self.encoding)
