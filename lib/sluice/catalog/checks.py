"""Rules between the keys of a declaration, each of which is valid by itself. What they raise lacks the file's name."""

from __future__ import annotations

import re
from collections.abc import Collection, Mapping, Sequence

from sluice.catalog.schema import OWN_TABLES, Declaration, DeclaredAggregate, DeclaredColumn
from sluice.errors import UsageError, no_column, with_article
from sluice.model.aggregate import MEASURE, Measure
from sluice.model.table import is_taken

_NUMBERS = ("tinyint", "smallint", "int", "bigint", "float", "double", "decimal")


def check_keys(table: str, declared: Declaration) -> None:
    """Raises UsageError for names that are taken, of no column or named twice, and for types that do not fit."""
    columns = declared.columns
    for name in columns:
        if is_taken(name):
            raise UsageError(f"columns.{name}: the name is taken: choose another, with field = {name!r}")
    _check_columns("key", declared.key, columns)
    _check_columns("partition_by", declared.partition_by, columns)
    for name in declared.key:
        if columns[name].type in ("float", "double"):
            raise UsageError(f"key: {name} is a {columns[name].type}, which has no exact values: use a decimal")
    if declared.order_by:
        _check_columns("order_by", [declared.order_by], columns)
    if "date" in declared.partition_by and columns["date"].type != "date":
        kind = with_article(columns["date"].type)
        raise UsageError(f"partition_by: column date is {kind}: declare it as a date, or give it another name")
    if set(declared.partition_by) == set(columns):
        raise UsageError("partition_by: names all columns: leave some")
    for name, aggregate in declared.aggregates.items():
        _check_aggregate(f"aggregates.{name}", aggregate, columns)
        if name in (table, *OWN_TABLES):
            raise UsageError(f"aggregates.{name}: the name is taken by a table: choose another")


def _check_columns(key: str, names: Sequence[str], columns: Collection[str]) -> None:
    for i, name in enumerate(names):
        if name not in columns:
            raise UsageError(f"{key}: the table has {no_column(name, columns)}")
        if name in names[:i]:
            raise UsageError(f"{key}: names {name!r} twice: name each once")


def _check_aggregate(key: str, aggregate: DeclaredAggregate, columns: Mapping[str, DeclaredColumn]) -> None:
    _check_columns(f"{key}.by", aggregate.by, columns)
    for name, text in aggregate.measures.items():
        place = f"{key}.measures.{name}"
        if name in aggregate.by or is_taken(name):
            raise UsageError(f"{place}: the name is taken: choose another")
        if not MEASURE.fullmatch(text):
            raise UsageError(
                f"{place}: {text!r} is not a valid measure: expected count, or count:c, count_distinct:c, sum:c, "
                "mean:c, min:c, max:c or pNN:c of a column c"
            )
        measure = Measure.parse(text)
        if measure.column:
            _check_columns(place, [measure.column], columns)
        if measure.kind in ("sum", "mean") and not columns[measure.column].type.startswith(_NUMBERS):
            kind = with_article(columns[measure.column].type)
            raise UsageError(f"{place}: {measure.column} is {kind}: only numbers add up")


def check_pattern_groups(groups: Sequence[str], inputs: Collection[str], declared: Declaration) -> None:
    """Raises UsageError if a pattern lacks a group for one of the inputs, or has one that no column uses."""
    for name in inputs:
        if name not in groups:
            raise UsageError(f"source.pattern: has no group (?P<{name}>…), which column {name} needs")
    mentioned = set().union(*(_words(column.sql) for column in declared.columns.values()))
    for name in groups:
        if name not in inputs and name.lower() not in mentioned:
            raise UsageError(f"source.pattern: no column uses group {name!r}: declare one, or write (?:…)")


def check_inputs_differ(inputs: Sequence[str]) -> None:
    """Raises UsageError for inputs that differ only in case."""
    for i, name in enumerate(inputs):
        if alike := next((other for other in inputs[:i] if other.lower() == name.lower()), None):
            raise UsageError(
                f"columns: inputs {alike!r} and {name!r} differ only in case, which Spark ignores: use one"
            )


def _words(sql: str) -> set[str]:
    """All words in SQL, in lower case: names of columns, and also of functions, and words in its texts."""
    return set(re.findall(r"[a-z_][a-z0-9_]*", sql.lower()))
