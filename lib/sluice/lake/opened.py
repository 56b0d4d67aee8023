"""Delta tables opened with delta-rs, and entries of their logs, on disk or S3."""

from __future__ import annotations

import os
import re
from collections.abc import Iterator
from contextlib import contextmanager, suppress

from deltalake import DeltaTable
from deltalake.exceptions import DeltaError, DeltaProtocolError, SchemaMismatchError, TableNotFoundError
from pyarrow import ArrowInvalid

from sluice.errors import Busy, UsageError
from sluice.files.s3 import client, objects
from sluice.files.s3.client import is_on_s3
from sluice.lake.damage import damaged, damaged_log, refuse_torn
from sluice.lake.storage_failure import storage_failure

_OF_THE_TABLE = (TableNotFoundError, DeltaProtocolError, SchemaMismatchError)  # and not of the way to it

# What this run has read from S3. On disk all is read anew: it costs nothing, and folders may be replaced meanwhile.
_TABLES: dict[str, tuple[dict[str, str], DeltaTable]] = {}
_ENTRIES: dict[str, list[str]] = {}


def forget() -> None:
    """Begins a run: what an earlier one in this process read from S3 is not taken for what is there now."""
    _TABLES.clear()
    _ENTRIES.clear()


def uri_of(lake: str, table: str) -> str:
    """The path or URI of a table's folder."""
    return os.path.join(lake, table)


def storage_options(lake: str) -> dict[str, str] | None:
    """What delta-rs needs to reach the lake."""
    return client.delta_rs_options(lake) if is_on_s3(lake) else None


def opened(lake: str, table: str, version: int | None = None) -> DeltaTable | None:
    """The table as delta-rs sees it, now or at a version; None if it does not exist.

    Raises InputError if its log is damaged, UsageError if S3 refuses; DeltaError for a version that it lacks.
    """
    if is_on_s3(lake):
        return _opened_on_s3(lake, table, version)
    refuse_torn(table, _log_folder(lake, table))
    try:
        return DeltaTable(uri_of(lake, table), version)
    except TableNotFoundError:
        return None
    except DeltaError as error:
        if version is not None or isinstance(error, _OF_THE_TABLE):
            raise
        raise damaged_log(table, _log_folder(lake, table), error) from None


def _opened_on_s3(lake: str, table: str, version: int | None) -> DeltaTable | None:
    """As `opened`; entries of the log that this run has read before are not read again."""
    client.check_reachable(lake)
    uri, options = uri_of(lake, table), client.delta_rs_options(lake)
    with suppress(TableNotFoundError), delta_rs_errors(lake, table):
        if version is not None:
            return DeltaTable(uri, version, options)
        known = _TABLES.get(uri)
        if known is not None and known[0] == options:
            known[1].update_incremental()
        else:
            _TABLES[uri] = options, DeltaTable(uri, storage_options=options)
        return _TABLES[uri][1]
    return None


def _log_folder(lake: str, table: str) -> str:
    return os.path.join(uri_of(lake, table), "_delta_log")


@contextmanager
def delta_rs_errors(lake: str, table: str) -> Iterator[None]:
    """Raises what delta-rs could not do on S3 as UsageError or Busy, on disk as InputError or what the disk lacks."""
    try:
        yield
    except (OSError, DeltaError, ArrowInvalid) as error:
        if isinstance(error, _OF_THE_TABLE):
            raise
        if not is_on_s3(lake):
            if failure := storage_failure(str(error), lake) or damaged(table, error):
                raise failure from None
            raise
        client.check_again(lake)
        line = str(error).splitlines()[0][:300]
        if re.search("privileges|403|Access ?Denied|Forbidden", str(error)):
            bucket = client.split(lake)[0]
            raise UsageError(f"{lake}: access denied ({line}): check the rights on bucket {bucket}") from None
        raise Busy(f"{lake}: S3 failed ({line}): run again") from None


def entry(lake: str, table: str, version: int) -> list[str] | None:
    """The lines of a version's entry in a table's log; None if the log lacks it."""
    path = os.path.join(_log_folder(lake, table), f"{version:020}.json")
    if not is_on_s3(lake):
        with suppress(OSError, UnicodeDecodeError), open(path, encoding="utf-8") as file:
            return list(file)
        return None
    if path not in _ENTRIES:
        found = objects.read(path)
        if found is None:
            return None
        _ENTRIES[path] = found.data.decode().splitlines()
    return _ENTRIES[path]
