"""Options that must be known before Click reads the arguments. Loads next to nothing."""

from __future__ import annotations

import os
from collections.abc import Sequence
from itertools import zip_longest


def given(arguments: Sequence[str], flag: str, variable: str = "") -> str | None:
    """The value of the flag, the last one if it is repeated, else that of the environment variable, if it has one."""
    value = os.environ.get(variable)
    for argument, following in zip_longest(arguments, arguments[1:], fillvalue=""):
        if argument == "--":
            break
        if argument == flag or argument.startswith(f"{flag}="):
            value = argument.partition("=")[2] or following
    return value
