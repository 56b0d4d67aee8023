"""A table of PostgreSQL as a target: names and types."""

from __future__ import annotations

from sluice.export.target import DeltaVersion, Target


def target(name="t", columns=None, key=("k",)):
    version = DeltaVersion("/lake", "id", 3)
    return Target(name, columns or {"k": "string"}, key, nullable_key=False, indexes=(), version=version, full=True)


def test_names_of_staging_tables_fit_into_postgresql_and_stay_different():
    assert target("products").staging_name == "sluice_staging_products"
    longest = "t" * (63 - len("sluice_staging_"))
    assert target(longest).staging_name == f"sluice_staging_{longest}"
    names = [target(longest + end).staging_name for end in ("a", "b")]
    assert {len(name) for name in names} == {63}
    assert len({*names}) == 2


def test_types_and_values():
    columns = {"k": "string", "n": "tinyint", "d": "decimal(38,9)", "t": "timestamp"}
    assert target(columns=columns).types == {
        "k": "text",
        "n": "smallint",
        "d": "numeric(38,9)",
        "t": "timestamp with time zone",
    }
    assert target(columns=columns, key=("k", "t")).values == ("n", "d")
