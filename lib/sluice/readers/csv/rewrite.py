"""Records rewritten for pyarrow.

It has no delimiters of several characters, no blanks before a field, no null with an escape and no escape sequences.
"""

from __future__ import annotations

import re
from dataclasses import replace

import numpy as np

from sluice.readers.csv.dialect import Dialect
from sluice.readers.csv.scan import initial_blanks, with_single_delimiter

_CONTROLS = dict(zip(b"ntrbfv", b"\n\t\r\b\f\v", strict=True))


def for_pyarrow(text: bytes, dialect: Dialect) -> tuple[bytes, str]:
    """The records as pyarrow reads them rightly, and their delimiter; perhaps fewer bytes, but as many records."""
    text, delimiter = with_single_delimiter(text, dialect)
    dialect = replace(dialect, delimiter=delimiter)
    if dialect.skip_initial_space:
        text = np.delete(np.frombuffer(text, np.uint8), initial_blanks(text, dialect)).tobytes()
    if null_has_escape(dialect):
        ends = re.escape(dialect.delimiter.encode()) + rb"\r\n"
        null = re.escape(dialect.null.encode())
        text = re.sub(rb"(?:^|(?<=[" + ends + rb"]))" + null + rb"(?=[" + ends + rb"]|$)", b"", text)
    if dialect.escape_sequences:
        escape = dialect.escape.encode()
        pair = re.compile(re.escape(escape) + rb"(.)", re.DOTALL)
        text = pair.sub(lambda found: escape + bytes([_CONTROLS.get(found[1][0], found[1][0])]), text)
    return text, delimiter


def null_has_escape(dialect: Dialect) -> bool:
    """Whether the text of null holds the escape, which pyarrow takes away before it compares."""
    return bool(dialect.escape) and dialect.escape in dialect.null
