"""Files written as a whole: readers see the earlier file or the finished one, never a half."""

from __future__ import annotations

import os
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import BinaryIO


@contextmanager
def output_file(target: Path) -> Iterator[BinaryIO]:
    """A file that takes the place of `target` once all of it is written, or never if that fails.

    Until then it lies beside it under a hidden name, which ingests leave out.
    """
    unfinished = target.with_name(f".{target.name}.{os.getpid()}")
    try:
        with open(unfinished, "wb") as file:
            yield file
        os.replace(unfinished, target)
    except BaseException:
        unfinished.unlink(missing_ok=True)
        raise
