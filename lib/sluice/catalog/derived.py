"""The aggregates and rankings of a table, and whether what is stored of them still fits their declarations.

Those that `aggregate TABLE --by COLUMNS` makes are declared nowhere: they are recognised in the lake by their names
and by what their commits say they were built from.
"""

from __future__ import annotations

import os
from collections.abc import Collection, Iterator, Mapping, Sequence
from typing import Any

from sluice.errors import UsageError, no_column
from sluice.lake import log
from sluice.lake.log import State
from sluice.model.aggregate import Aggregate, Derived
from sluice.model.table import Table

_COUNT = {"count": "count"}
_OF_TABLE = ("id", "version", "mark")  # keys of a `build_record`; the others are the definition


def aggregates_of(lake: str, table: Table) -> list[Derived]:
    """The table's declared aggregates and rankings, and the count aggregates that were built in this lake before."""
    return [*table.aggregates, *_built_count_aggregates(lake, table)]


def count_aggregate(table: Table, columns: Sequence[str]) -> Aggregate:
    """The aggregate `TABLE_by_COL…`: how many of the table's rows have each combination of values in the columns.

    Raises UsageError for a column that the table does not have or that is named twice.
    """
    for column in columns:
        if column not in table.column_names:
            raise UsageError(f"table {table.name} has {no_column(column, table.column_names)}")
    if len(set(columns)) != len(columns):
        raise UsageError(f"--by {','.join(columns)} names a column twice: name each once")
    return Aggregate(_count_aggregate_name(table, columns), tuple(columns), _COUNT)


def _built_count_aggregates(lake: str, table: Table) -> Iterator[Aggregate]:
    declared = {aggregate.name for aggregate in table.aggregates}
    folders = os.listdir(lake) if os.path.isdir(lake) else ()
    for name in sorted(folders):
        if name.startswith(_count_aggregate_name(table, ())) and name not in declared:
            record = log.built_on(lake, name) or {}
            columns = tuple(record.get("by", ()))
            if record.get("measures") == _COUNT and name == _count_aggregate_name(table, columns):
                yield Aggregate(name, columns, _COUNT)


def _count_aggregate_name(table: Table, columns: Sequence[str]) -> str:
    return f"{table.name}_by_{'_'.join(columns)}"


def build_record(aggregate: Derived, table_state: State) -> dict[str, Any]:
    """What the commit of an aggregate says it was built from: its definition, and what its table held."""
    table_id, version, mark = table_state
    return {"id": table_id, "version": version, "mark": mark, **aggregate.definition}


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
