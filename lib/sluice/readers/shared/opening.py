"""Files opened on the driver, before Spark is needed: their beginnings are checked, many files at once."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass, replace
from multiprocessing.pool import ThreadPool
from typing import Any, Protocol

from sluice.errors import InputError
from sluice.files.input_file import InputFile
from sluice.model.table import Table
from sluice.readers.shared.new_columns import check_names

_THREADS = 16  # opening waits for disks and S3, not for the processor


class Source(Protocol):
    """A file whose beginning fits its table; its records begin at byte `begin` of the decompressed file.

    `new` are the file's columns that the table lacks.
    """

    @property
    def file(self) -> InputFile: ...
    @property
    def begin(self) -> int: ...
    @property
    def new(self) -> tuple[str, ...]: ...


@dataclass(frozen=True)
class Opened:
    """The files that can be read, why others cannot be, and the columns that the table will gain from them.

    `note`: what a user should know of how they will be read; "" if nothing.
    """

    sources: tuple[Any, ...] = ()
    failures: tuple[InputError, ...] = ()
    gained: tuple[str, ...] = ()
    note: str = ""


def open_each(files: Sequence[InputFile], open_one: Callable[[InputFile], Any]) -> Opened:
    """What `open_one` gives for each file, in their order; an InputError that it raises is a failure of the file."""

    def attempt(file: InputFile) -> Any:
        try:
            return open_one(file)
        except InputError as error:
            return error

    with ThreadPool(_THREADS) as pool:  # of daemon threads: a signal ends the run though a mount does not answer
        waiting = pool.map_async(attempt, files, chunksize=1)
        while not waiting.ready():
            waiting.wait(1)  # not for ever: a signal that comes just before a wait is seen only when the wait ends
        outcomes = waiting.get()
    failures = tuple(outcome for outcome in outcomes if isinstance(outcome, InputError))
    return Opened(tuple(outcome for outcome in outcomes if not isinstance(outcome, InputError)), failures)


def with_gained(opened: Opened, table: Table, on_new_column: str) -> Opened:
    """With `on_new_column` `add`: the files' new columns as `gained`, and every file's layout with all of them.

    Raises InputError for two new columns whose names differ only in case, or clash with the table's.
    """
    if on_new_column != "add" or not opened.sources:
        return opened
    gained = tuple(dict.fromkeys(name for source in opened.sources for name in source.new))
    check_names("files that are read together", table, gained)
    columns = (*opened.sources[0].layout.columns, *gained)
    sources = (replace(source, layout=replace(source.layout, columns=columns)) for source in opened.sources)
    return Opened(tuple(sources), opened.failures, gained)
