"""Every failure that a user can cause, each with the exit code that it ends the job with; words that messages share.

A message is one line that names the file, table or column and says what to do.
"""

import difflib
import re
from collections.abc import Collection
from signal import Signals


class SluiceError(Exception):
    """Base of all failures that are reported without a traceback."""

    exit_code = 1


class UsageError(SluiceError):
    """The call or a declaration is wrong: an unknown table, an option that does not fit."""

    exit_code = 2


class InputError(SluiceError):
    """An input is missing, empty, unreadable or not what the table expects."""

    exit_code = 3


class TooManyRejects(SluiceError):
    """More records of a file were rejected than allowed; nothing was merged."""

    exit_code = 4


class Busy(SluiceError):
    """Another run holds the table, or a commit conflicted: safe to try again."""

    exit_code = 5


class DatabaseError(SluiceError):
    """PostgreSQL could not be reached or refused; Delta is as committed."""

    exit_code = 6


class Terminated(BaseException):
    """SIGTERM or SIGINT arrived; a BaseException so that no handler mistakes it for a failure."""

    def __init__(self, number: int) -> None:
        super().__init__(f"stopped by {Signals(number).name}: rerun the same command, it resumes safely")
        self.exit_code = 128 + number


def spark_cause(error: Exception) -> str:
    """Spark's explanation of an error in one line, without its error class and SQL state."""
    lines = [line for line in str(error).splitlines() if line.strip()]
    return re.sub(r"^\[[A-Z_.0-9]+\]\s+| SQLSTATE.*", "", lines[0] if lines else "a syntax error")[:300]


def closest(name: str, names: Collection[str]) -> str:
    """What to do about an unknown name: take the one that is most like it, or choose from all if none is close."""
    match = _closest_match(name, names)
    return f"did you mean {match!r}?" if match else f"choose one of {', '.join(sorted(names))}"


def no_column(name: str, columns: Collection[str]) -> str:
    """The end of a message about an unknown column, `no column 'pric': did you mean 'price'? It has sku, price`.

    It follows `table products has`, or the like.
    """
    match = _closest_match(name, columns)
    known = f"has {', '.join(columns)}"
    return f"no column {name!r}: did you mean {match!r}? It {known}" if match else f"no column {name!r}: it {known}"


def _closest_match(name: str, names: Collection[str]) -> str | None:
    matches = difflib.get_close_matches(name, names, n=1)
    return matches[0] if matches else None


def listed(names: Collection[str], most: int) -> str:
    """`'a', 'b' and 3 more`: so many names at most, long ones cut."""
    shown = ", ".join(repr(name[:40]) for name in list(names)[:most])
    return f"{shown} and {len(names) - most} more" if len(names) > most else shown


def counted(number: int, noun: str) -> str:
    """`1 file`, `1,200 files`."""
    return f"{number:,} {noun}{'' if number == 1 else 's'}"


def with_article(noun: str) -> str:
    """`an int`, `a bigint`."""
    return f"{'an' if noun[0] in 'aeiou' else 'a'} {noun}"
