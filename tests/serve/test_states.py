"""While an export's transaction runs, an answer is the old state or the new one, and a page is of one state."""

from __future__ import annotations

from concurrent.futures import ThreadPoolExecutor

import psycopg2
from exported import export, target_of
from sluice.export.connection import connected
from sluice.lake.writer import Writer


def test_answers_are_of_the_state_before_an_export_until_it_commits(client, postgres_url, database):
    export(postgres_url, "products_agg", [("a", 1), ("b", 1)])
    writer = psycopg2.connect(postgres_url)
    cursor = writer.cursor()
    cursor.execute("SET search_path = fresh")
    cursor.execute("DELETE FROM products_agg; INSERT INTO products_agg VALUES ('c', 5)")
    old = {"groups": 2, "products": 2}
    answer = client.get("/products/aggregate").json()
    assert (answer["total"], [row["name"] for row in answer["rows"]]) == (old, ["a", "b"])
    writer.commit()
    writer.close()
    answer = client.get("/products/aggregate").json()
    assert (answer["total"], [row["name"] for row in answer["rows"]]) == ({"groups": 1, "products": 5}, ["c"])


def test_no_answer_mixes_two_exports_though_they_come_one_after_another(client, postgres_url):
    """Each export has a number of groups, and each group has it as its count, so that a mixture would show."""

    def exports():
        for number in range(1, 16):
            export(postgres_url, "products_agg", [(f"{i}", number) for i in range(number)])

    def mixed(_):
        answer = client.get("/products/aggregate", params={"limit": 1000}).json()
        counts = {row["no_of_products"] for row in answer["rows"]}
        groups, products = answer["total"].values()
        return counts != {groups} or products != groups**2 or len(answer["rows"]) != groups, groups

    export(postgres_url, "products_agg", [("0", 1)])
    with ThreadPoolExecutor(4) as pool:
        writing = pool.submit(exports)
        seen = []
        while not writing.done():
            seen += pool.map(mixed, range(3))
        writing.result()
    assert not any(wrong for wrong, _ in seen)
    assert len({groups for _, groups in seen}) > 3


def test_an_export_that_adds_a_column_lets_answers_wait_and_be_the_new_state(client, postgres_url, database):
    own = {"columns": {"a": "string"}, "key": ("a",)}
    export(postgres_url, "own", [("x",)], **own)
    wider = {"columns": {"a": "string", "b": "bigint"}, "key": ("a",)}
    with connected(postgres_url, "fresh") as exporting, ThreadPoolExecutor() as pool:
        exporting.prepare(Writer("run", 5, print))
        target = target_of("own", **wider)
        staging = exporting.create_staging(target)
        database(f"INSERT INTO {staging} VALUES ('x', 7, false)")
        applied = pool.submit(exporting.apply, [target], "run")
        answers = [client.get("/tables/own").json()["rows"] for _ in range(20)]
        applied.result()
    assert all(rows in ([{"a": "x"}], [{"a": "x", "b": 7}]) for rows in answers)
    assert client.get("/tables/own").json()["rows"] == [{"a": "x", "b": 7}]
