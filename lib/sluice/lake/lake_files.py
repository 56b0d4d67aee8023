"""What lies in a lake beside what Delta's libraries look at: its folders, and the sizes of files, on disk or S3."""

from __future__ import annotations

import os
from collections.abc import Iterable

from sluice.files.s3 import objects
from sluice.files.s3.client import is_on_s3
from sluice.lake.opened import uri_of


def folders(lake: str) -> list[str]:
    """The names in the lake, sorted; none if it does not exist."""
    if is_on_s3(lake):
        return objects.names(lake)
    return sorted(os.listdir(lake)) if os.path.isdir(lake) else []


def tables(lake: str) -> list[str]:
    """The names of the tables in the lake, sorted; on S3 those of all folders, whatever is in them."""
    names = [name for name in folders(lake) if not name.startswith(("_", "."))]
    return (
        names if is_on_s3(lake) else [name for name in names if os.path.isdir(os.path.join(lake, name, "_delta_log"))]
    )


def sizes(lake: str, table: str, paths: Iterable[str]) -> dict[str, int]:
    """The bytes of those of a table's files that exist, by their paths from the table's folder."""
    folder = uri_of(lake, table)
    if is_on_s3(lake):
        existing = objects.sizes(folder)
        return {path: existing[path] for path in paths if path in existing}
    return {path: os.path.getsize(file) for path in paths if os.path.isfile(file := os.path.join(folder, path))}
