"""The aggregates and rankings of a table, and whether what is stored of them still fits their declarations.

Those that `aggregate TABLE --by COLUMNS` makes are declared nowhere: they are recognised in the lake by their names
and by what their commits say they were built from.
"""

from __future__ import annotations

import json
from collections.abc import Collection, Iterator, Mapping, Sequence
from hashlib import sha256
from typing import Any

from sluice.errors import UsageError, no_column
from sluice.lake import lake_files, log
from sluice.lake.log import State
from sluice.model.aggregate import Aggregate, Derived
from sluice.model.table import Table

_OF_TABLE = ("table", "id", "version", "mark")  # keys of a `build_record`; the others are the definition


def aggregates_of(lake: str, table: Table) -> list[Derived]:
    """The table's declared aggregates and rankings, and the count aggregates that were built in this lake before."""
    return [*table.aggregates, *_built_count_aggregates(lake, table)]


def count_aggregate(lake: str, table: Table, columns: Sequence[str]) -> Aggregate:
    """The aggregate `TABLE_by_COL…`: how many of the table's rows have each combination of values in the columns.

    Another table of that name may be in the lake, as `a_by_b_c` is of `b_c` and of `b` and `c`: then a hash of the
    columns is added to the name. The count is called `count`, or `_count` beside a column of that name. Raises
    UsageError for a column that the table does not have or that is named twice.
    """
    for column in columns:
        if column not in table.column_names:
            raise UsageError(f"table {table.name} has {no_column(column, table.column_names)}")
    if len(set(columns)) != len(columns):
        raise UsageError(f"--by {','.join(columns)} names a column twice: name each once")
    names = _names_by(table, columns)
    free = (name for name in names if _is_free_for(lake, name, table, columns))
    return Aggregate(next(free, names[-1]), tuple(columns), _counts(columns))


def _built_count_aggregates(lake: str, table: Table) -> Iterator[Aggregate]:
    declared = {aggregate.name for aggregate in table.aggregates}
    for name in lake_files.folders(lake):
        if name.startswith(f"{table.name}_by_") and name not in declared:
            record = log.built_on(lake, name) or {}
            columns = tuple(record.get("by", ()))
            if name in _names_by(table, columns) and _counts_rows(record, table, columns):
                yield Aggregate(name, columns, _counts(columns))


def _names_by(table: Table, columns: Sequence[str]) -> tuple[str, str]:
    """The names that a count aggregate may have: the plain one, and one that no other can have."""
    plain = f"{table.name}_by_{'_'.join(columns)}"
    columns_hash = sha256(json.dumps([table.name, *columns]).encode()).hexdigest()[:8]
    return plain, f"{plain}_{columns_hash}"


def _counts(columns: Sequence[str]) -> dict[str, str]:
    return {"_count" if "count" in columns else "count": "count"}


def _is_free_for(lake: str, name: str, table: Table, columns: Sequence[str]) -> bool:
    """Whether the lake has no table of a name, or just the one that counts these columns."""
    record = log.built_on(lake, name)
    return log.version(lake, name) is None if record is None else _counts_rows(record, table, columns)


def _counts_rows(record: Mapping[str, Any], table: Table, columns: Sequence[str]) -> bool:
    """Whether a `build_record` is of the count aggregate of these columns; earlier versions did not name the table."""
    same_table = record.get("table", table.name) == table.name
    return same_table and list(columns) == record.get("by") and record.get("measures") == _counts(columns)


def build_record(aggregate: Derived, table: str, table_state: State) -> dict[str, Any]:
    """What the commit of an aggregate says it was built from: its definition, its table, and what that held."""
    table_id, version, mark = table_state
    return {"table": table, "id": table_id, "version": version, "mark": mark, **aggregate.definition}


def built_from(record: Mapping[str, Any]) -> State:
    """What the table held that an aggregate was built from; `build_record`s of earlier versions have no mark."""
    return State(record["id"], record["version"], record.get("mark"))


def was_built_as_declared(record: Mapping[str, Any], aggregate: Derived) -> bool:
    """Whether a `build_record` has the aggregate's present definition, whatever its table held."""
    return {key: value for key, value in record.items() if key not in _OF_TABLE} == aggregate.definition


def is_current(record: Mapping[str, Any], aggregate: Derived, table_state: State) -> bool:
    """Whether a `build_record` is of the aggregate's present definition and of what its table holds now."""
    built = built_from(record)
    same_commit = built.mark in (None, table_state.mark)
    return built[:2] == table_state[:2] and same_commit and was_built_as_declared(record, aggregate)


def check_built_as_declared(lake: str, aggregate: Derived) -> None:
    """Raises UsageError for an aggregate that was built by another definition than it has now."""
    record = log.built_on(lake, aggregate.name)
    if record is not None and not was_built_as_declared(record, aggregate):
        raise UsageError(
            f"{aggregate.name} was built by an earlier declaration of it: build it again with "
            f"aggregate {aggregate.name}"
        )


def check_columns_exist(stored_columns: Collection[str], table: Table, aggregate: Derived) -> None:
    """Raises UsageError if the aggregate needs a declared column that the stored table does not have yet."""
    for name in aggregate.columns_of_table:
        if name not in stored_columns:
            raise UsageError(
                f"{aggregate.name}: table {table.name} does not have the column {name} yet: ingest a file with "
                "--on-new-column add, which adds it"
            )
