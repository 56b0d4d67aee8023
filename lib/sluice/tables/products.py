"""Products: what a shop's catalogue export lists; one row per sku.

Everything that is particular to this kind of record is in this file.
"""

from __future__ import annotations

from sluice.model.aggregate import Aggregate
from sluice.model.table import Column, Table, stripped
from sluice.readers.csv import reader
from sluice.readers.csv.dialect import Dialect

TABLE = Table(
    name="products",
    columns=(stripped("sku"), stripped("name"), Column("description")),
    key=("sku",),
    reader=reader,
    reading=Dialect(),
    input_columns=("name", "sku", "description"),
    aggregates=(Aggregate("products_agg", ("name",), {"no_of_products": "count"}, indexes=(("no_of_products",),)),),
)
