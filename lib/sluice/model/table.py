"""What a table is: pure data that every step reads. The built-in ones are in `tables`, users declare theirs in TOML."""

from __future__ import annotations

from collections.abc import Collection, Mapping
from dataclasses import dataclass, field, replace
from datetime import date
from typing import Any, ClassVar, TypeAlias

from sluice.errors import UsageError
from sluice.model.aggregate import Aggregate, Derived, Exact, Ranking, direction

MAX_KEY_BYTES = 1000  # of one column of a key
MAX_WHOLE_KEY_BYTES = 2500  # of all columns together: an index entry of PostgreSQL holds 2,704 with its overhead
OWN_COLUMNS = ("ingested_at", "run_id")  # every table has them
_POSTGRES_COLUMNS = ("ctid", "xmin", "xmax", "cmin", "cmax", "tableoid")  # of every table there


@dataclass(frozen=True)
class Column:
    """A column of a table, and how it is made from the input.

    * `type`: Spark's name of it.
    * `sql`: makes it from the table's other columns and the input's `field`; empty: it is the input's value, converted.
    * `optional`: a file may lack it; its rows then have null.
    * `field`: the input's column; empty: the one of the same name or, with `sql`, none.
    * `format`: of a date or timestamp, Spark's datetime pattern of its text; empty: ISO 8601.
    * `timezone`: of a timestamp whose text has no offset. Tables hold UTC.
    """

    name: str
    type: str = "string"
    sql: str = ""
    optional: bool = False
    field: str = ""
    format: str = ""
    timezone: str = "UTC"

    @property
    def input(self) -> str:
        """The input's column that it is made from; empty if it is made from other columns only."""
        return self.field or ("" if self.sql else self.name)


def stripped(name: str) -> Column:
    """A column of text without white space at its ends; null if nothing is left."""
    return Column(name, field=name, sql=f"nullif(trim(BOTH ' \t\n\r\f\v' FROM `{name}`), '')")


@dataclass(frozen=True)
class Occurrences:
    """The key of records without an id: equal records of a file are numbered 1, 2, …, and the number is in the key.

    So a table holds as many equal records as the file with the most, however files overlap. A record that does have an
    id is identified by that alone within its partition; the later one wins.

    * `key`: the table's key, a single column made from the columns below.
    * `column`: holds the number.
    * `of`: the columns in which equal records are equal.
    * `id`: the column of ids; null where a record has none.
    """

    key: str
    column: str
    of: tuple[str, ...]
    id: str


def is_taken(name: str) -> bool:
    """Whether a column cannot have the name, because Sluice or PostgreSQL uses it for a column of its own."""
    return name.lower() in (*OWN_COLUMNS, *_POSTGRES_COLUMNS) or name.lower().startswith("sluice_")


@dataclass(frozen=True)
class Check:
    """A condition on a row, in SQL: a row for which it is false does not pass; true and null do.

    `action`, where one does not pass: `reject` (the row becomes a reject), `warn` (it is counted and kept) or `fail`
    (nothing of the run is merged).
    """

    name: str
    sql: str
    action: str = "reject"


# types whose values Spark and Python compare alike, and the name of a partition's folder gives back unchanged
EXACT_TYPES = ("string", "int", "bigint", "date")


@dataclass(frozen=True)
class Table:
    """A keyed table.

    What its rows are:
    * `columns`: in this order.
    * `key`: the columns that identify a row; no two rows have the same values in them.
    * `partition_by`: the columns whose values are the folders of its files.
    * `key_partitions`: those of `partition_by` that are the same in all rows of a key; None: all of them. Of a declared
      table `catalog.expressions.key_partitions` gives them.
    * `checks`: conditions on a row.

    How files become rows:
    * `reader`, `reading`: the module that reads the files, and how, unless options say otherwise. With `occurrences`,
      whose keys depend on it, a file that was read once is never read in another way.
    * `input_columns`: the columns of its files.
    * `occurrences`: how keys are made for records without an id; None: records have keys.

    Which row of a key is kept:
    * `order_by`: the row with the greatest value, whenever it comes; of equal values, or if empty, the later one.
    * `delete_when`: SQL; where it is true of the row that would be kept, the key is deleted.
    * `replaces`: a file is a complete snapshot for its values of these columns; stored rows with the same values that
      it lacks are removed.

    What is computed from it and how it is stored:
    * `aggregates`: its aggregates and rankings.
    * `exact`: by column of doubles, the integers that are summed in place of its values.
    * `bounds`: the columns whose least and greatest value in each file the Delta log holds; queries skip files by
      them. Empty: all columns.
    * `deletion_vectors`: whether a merge marks replaced rows as deleted, in a small file beside theirs, rather than
      writing their files anew without them; None: it does where few rows change in a large table.
    * `indexes`: what the exported table needs besides its key; `-` before a name: descending.

    Set by the catalog:
    * `origin`: the file of a user's declaration; empty: built in.
    * `gained`: the columns that files added to the declared ones.
    * `pruned_before`: days of the column `date` before this one are deleted, and records of them are rejects.
    """

    name: str
    columns: tuple[Column, ...]
    key: tuple[str, ...]
    reader: Any
    reading: Any
    partition_by: tuple[str, ...] = ()
    key_partitions: tuple[str, ...] | None = None
    replaces: tuple[str, ...] = ()
    exact: Mapping[str, Exact] = field(default_factory=dict)
    bounds: tuple[str, ...] = ()
    deletion_vectors: bool | None = None
    input_columns: tuple[str, ...] = ()
    occurrences: Occurrences | None = None
    order_by: str = ""
    delete_when: str = ""
    checks: tuple[Check, ...] = ()
    gained: tuple[str, ...] = ()
    pruned_before: date | None = None
    origin: str = ""
    aggregates: tuple[Derived, ...] = ()
    indexes: tuple[tuple[str, ...], ...] = ()
    nullable_key: ClassVar[bool] = False

    def __post_init__(self) -> None:
        if self.key_partitions is None:
            object.__setattr__(self, "key_partitions", self.partition_by)
        for ranking in (aggregate for aggregate in self.aggregates if isinstance(aggregate, Ranking)):
            if not {direction(entry)[0] for entry in ranking.order} >= {*self.key}:
                raise UsageError(
                    f"ranking {ranking.name}: the order of rows equal in {', '.join(ranking.order)} is open: end it "
                    f"with the key of table {self.name}: {', '.join(self.key)}"
                )

    @property
    def column_names(self) -> tuple[str, ...]:
        return tuple(column.name for column in self.columns)

    @property
    def declaration(self) -> dict[str, Any]:
        """What stored rows depend on, to compare with the declaration that they were written under. It is JSON."""
        columns = {
            column.name: " ".join(filter(None, (column.type, column.timezone.removeprefix("UTC"), column.sql)))
            for column in self.columns
        }
        return {
            "key": list(self.key),
            "partition_by": list(self.partition_by),
            "order_by": self.order_by,
            "delete_when": self.delete_when,
            "columns": columns,
        }

    @property
    def dimensions(self) -> Mapping[str, str]:
        """The dimensions of its aggregates that are not columns of it: name → the SQL that makes them."""
        return {
            name: sql
            for aggregate in self.aggregates
            if isinstance(aggregate, Aggregate)
            for name, sql in aggregate.inputs.items()
            if name in aggregate.by
        }

    @property
    def exact_partitions(self) -> tuple[str, ...]:
        """Those of `partition_by` whose values a condition can name."""
        types = {column.name: column.type for column in self.columns}
        return tuple(name for name in self.partition_by if types[name] in EXACT_TYPES)

    @property
    def ranking(self) -> Ranking | None:
        """Its first ranking: the order in which a query shows the first of its rows."""
        return next((aggregate for aggregate in self.aggregates if isinstance(aggregate, Ranking)), None)

    @property
    def required(self) -> tuple[str, ...]:
        """The input columns that every file must have."""
        optional = {column.input for column in self.columns if column.optional}
        return tuple(name for name in self.input_columns if name not in optional)

    def gaining(self, names: Collection[str]) -> Table:
        """The table with additional columns of text, which files may lack."""
        columns = [Column(name, optional=True) for name in names]
        return replace(self, columns=(*self.columns, *columns), gained=(*self.gained, *names))


AnyTable: TypeAlias = Table | Derived


def unquoted(pattern: str) -> str:
    """A datetime pattern without its texts in quotes: what is left are letters that stand for parts of a time."""
    return "".join(pattern.split("'")[::2])
