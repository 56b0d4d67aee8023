"""What the job `export` itself wrote, of all built-in kinds, is answered as the document says."""

from __future__ import annotations

import jsonschema_rs
import pytest
from exported import COLUMNS, target_of

PATHS = {
    "/customers/{customer_id}/stats": "/customers/{customer}/stats",
    "/products": "/products?limit=3",
    "/products/{sku}": "/products/{sku}",
    "/products/aggregate": "/products/aggregate?limit=3",
    "/processes/{host}/{pid}": "/processes/{host}/{pid}",
    "/processes/statistics": "/processes/statistics?limit=3",
    "/scores": "/scores?limit=3",
    "/tables": "/tables",
}


@pytest.mark.slow
def test_answers_of_exported_tables_are_as_documented(job, database, client, tmp_path):
    for name in ("products", "requests", "processes", "scores"):
        file = tmp_path / f"{name}.txt"
        assert job("generate", name, "--rows", 300, "--seed", 1, "--output", file).exit_code == 0
        assert job("run", name, file, "--with-records", "--max-rejects", "100%").exit_code == 0
    for name in COLUMNS:
        shown = client.get(f"/tables/{name}").raise_for_status().json()["rows"][0]
        assert list(shown) == list(COLUMNS[name]), name
        [listed] = [table for table in client.get("/tables").json()["tables"] if table["name"] == name]
        assert listed["columns"] == target_of(name).types
        assert listed["key"] == list(target_of(name).key)
    values = {
        "customer": database("SELECT customer_id FROM resource_statistics_by_day")[0][0],
        "sku": database("SELECT sku FROM products")[0][0],
    }
    values["host"], values["pid"] = database("SELECT host, pid FROM processes")[0]
    document = client.get("/openapi.json").json()
    for declared, path in PATHS.items():
        answer = client.get(path.format(**values)).raise_for_status().json()
        schema = document["paths"][declared]["get"]["responses"]["200"]["content"]["application/json"]["schema"]
        jsonschema_rs.validate({**schema, "components": document["components"]}, answer)
        assert answer.get("rows") != [], declared
