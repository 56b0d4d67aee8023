"""Every failure a user can cause, each with the exit code it ends the job with.

A message is one line that names the file, table or column and says what to do.
"""

import re
from signal import Signals


class SluiceError(Exception):
    """Base of all failures that are told without a traceback."""

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


def spark_cause(error: Exception) -> str:
    """Spark's explanation of an error in one line, without its codes."""
    lines = [line for line in str(error).splitlines() if line.strip()]
    return re.sub(r"^\[[A-Z_.0-9]+\]\s+| SQLSTATE.*", "", lines[0] if lines else "a syntax error")[:300]


class Terminated(BaseException):
    """SIGTERM or SIGINT arrived; a BaseException so that no handler mistakes it for a failure."""

    def __init__(self, number: int) -> None:
        super().__init__(f"ended by {Signals(number).name}: run it again, it goes on where it was")
        self.exit_code = 128 + number
