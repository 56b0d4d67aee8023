"""What a table and an aggregate are: the declarations that every step reads."""

from __future__ import annotations

from collections.abc import Collection, Mapping
from dataclasses import dataclass, field, replace
from datetime import date
from typing import Any, ClassVar, TypeAlias

from sluice.errors import UsageError
from sluice.model.aggregate import Aggregate, Derived, Exact, Ranking, direction

MAX_KEY_BYTES = 1000  # of a column
MAX_WHOLE_KEY_BYTES = 2500  # PostgreSQL's indexes take 2,704 with what they add
OWN_COLUMNS = ("ingested_at", "run_id")
_OF_POSTGRES = ("ctid", "xmin", "xmax", "cmin", "cmax", "tableoid")


@dataclass(frozen=True)
class Column:
    """A column of a table: `type` is Spark's name of it.

    It is the input's column `field`, by default of the same name; or what `sql` makes of the table's other columns and
    of the input's `field`. An `optional` one may be missing in a file: its rows then have null. Text becomes a
    timestamp or date by `format` (Spark's datetime pattern; none: ISO 8601), a timestamp without an offset is one of
    `timezone`.
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
        """The input's column that it is made of; none if only of other columns."""
        return self.field or ("" if self.sql else self.name)


def stripped(name: str) -> Column:
    """A text column without white space at its ends; null if nothing is left."""
    return Column(name, field=name, sql=f"nullif(trim(BOTH ' \t\n\r\f\v' FROM `{name}`), '')")


@dataclass(frozen=True)
class Occurrences:
    """For records without an id: of those alike in `of` within a file, the n-th is occurrence n, kept in `column`.

    So a table holds as many of them as the file with the most, whatever files overlap. A record whose `id` is not null
    is told by that alone, among those of its partition; the later one wins. The table's key is the one column `key`.
    """

    key: str
    column: str
    of: tuple[str, ...]
    id: str


def is_taken(name: str) -> bool:
    """Whether a column cannot have the name: Sluice or PostgreSQL has one of its own."""
    return name.lower() in (*OWN_COLUMNS, *_OF_POSTGRES) or name.lower().startswith("sluice_")


@dataclass(frozen=True)
class Check:
    """What SQL over a row's columns must not find false; else the row is a reject, warned of, or fails the run."""

    name: str
    sql: str
    action: str = "reject"


@dataclass(frozen=True)
class Table:
    """A keyed table: `columns` in order, `key` unique among its rows.

    Its files are read by the module `reader` as `reading` tells, by default; where that makes the key (`occurrences`),
    a file is never read in another way. A file is all that there is of its `replaces`: rows that were there of the same
    values in these columns, and are not in it, are removed. Rows of one key lie in the same `key_partitions`, by
    default those of `partition_by`. Doubles are summed as their `exact` integers.
    Of the rows of a key the one with the greatest `order_by` stands, whenever it comes; of equal ones, and without it,
    the later. A row of which the SQL `delete_when` is true deletes its key.
    The log tells the `bounds` of these columns in each file, by default of all: queries skip files by them.
    `input_columns` are those of its files; `gained` the columns beside the declared ones that new files brought. Days
    of its column `date` that are `pruned_before` one have no records any more, and take none. `origin` is the file of
    a user's declaration.
    """

    name: str
    columns: tuple[Column, ...]
    key: tuple[str, ...]
    reader: Any
    reading: Any
    partition_by: tuple[str, ...] = ()
    key_partitions: tuple[str, ...] | None = None  # None: those of partition_by
    replaces: tuple[str, ...] = ()
    exact: Mapping[str, Exact] = field(default_factory=dict)
    bounds: tuple[str, ...] = ()
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
        for made in self.aggregates:
            if isinstance(made, Ranking) and not {direction(entry)[0] for entry in made.order} >= {*self.key}:
                raise UsageError(
                    f"ranking {made.name}: rows that are equal in {', '.join(made.order)} are in no order: end it with "
                    f"the key of table {self.name}: {', '.join(self.key)}"
                )

    @property
    def column_names(self) -> tuple[str, ...]:
        return tuple(column.name for column in self.columns)

    @property
    def declaration(self) -> dict[str, Any]:
        """What the rows that are there already depend on."""
        lists, texts = ("key", "partition_by"), ("order_by", "delete_when")
        columns = {
            column.name: " ".join(filter(None, (column.type, column.timezone.removeprefix("UTC"), column.sql)))
            for column in self.columns
        }
        found = {name: list(getattr(self, name)) for name in lists} | {name: getattr(self, name) for name in texts}
        return {**found, "columns": columns}

    @property
    def dimensions(self) -> Mapping[str, str]:
        """The dimensions of its aggregates that are no columns of it, by SQL."""
        grouped = [made for made in self.aggregates if isinstance(made, Aggregate)]
        return {name: text for made in grouped for name, text in made.inputs.items() if name in made.by}

    @property
    def ranking(self) -> Ranking | None:
        """The order that its rows are shown in where only the first are asked for."""
        return next((made for made in self.aggregates if isinstance(made, Ranking)), None)

    @property
    def required(self) -> tuple[str, ...]:
        """The input columns that no file may lack."""
        optional = {column.input for column in self.columns if column.optional}
        return tuple(name for name in self.input_columns if name not in optional)

    def gaining(self, names: Collection[str]) -> Table:
        """The table with more columns of text, which files may lack."""
        more = [Column(name, optional=True) for name in names]
        return replace(self, columns=(*self.columns, *more), gained=(*self.gained, *names))


AnyTable: TypeAlias = Table | Derived


def unquoted(pattern: str) -> str:
    """A datetime pattern without its texts in quotes."""
    return "".join(pattern.split("'")[::2])
