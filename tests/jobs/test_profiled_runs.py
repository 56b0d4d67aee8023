"""A run with `--profile`, by the real command: what is in its folder, and that no secret is."""

from __future__ import annotations

import json
import re
from urllib.parse import urlsplit

import pytest
from conftest import HEADER
from processes import finished

KEYS = {"AWS_ACCESS_KEY_ID": "AKIACANARY7", "AWS_SECRET_ACCESS_KEY": "k9-canary-of-the-key-of-s3"}


@pytest.mark.slow
def test_a_profile_of_runs_that_succeed_and_fail_has_no_secret(submit, csv_file, database, postgres_url, tmp_path):
    secrets = (urlsplit(postgres_url).password, *KEYS.values(), "s3-option-canary")
    (folder := tmp_path / "odd ü %41").mkdir()
    option = ("--conf", f"spark.hadoop.fs.s3a.secret.key={secrets[-1]}")
    path = csv_file("a.csv", HEADER, "1,x,", "2,x,")
    given = ("--profile", folder, "--run-id", "r", "--keep-warm", "1")
    code, out, err = finished(submit(*option, "run", "products", path, *given, **KEYS))
    assert (code, json.loads(out)["status"]) == (0, "succeeded"), err[-2000:]
    refused = csv_file("b.csv", HEADER, "only a sku")
    assert finished(submit(*option, "ingest", "products", refused, *given, **KEYS))[0] == 4

    done, failed = ((folder / name / "profile.md").read_text() for name in ("r", "r-2"))
    titles = re.findall(r"^\| \d+\. (.*?) +\|", done, re.MULTILINE)
    assert titles[:4] == [
        "run products: start",
        "ingest products: read",
        "ingest products: keep rejects",
        "ingest products: merge",
    ]
    assert titles[-3:] == ["export products_agg: send products_agg", "export products_agg: apply", "between the steps"]
    assert "| input files, by Sluice's readers | 2    | 1     |" in done
    assert re.search(r"^refused: .*b\.csv: 1 of 1 records rejected", failed, re.MULTILINE)
    assert "input files, by Sluice's readers" in failed
    assert "MapInArrow" in (folder / "r" / "plans" / "02.txt").read_text()
    stored = [file for file in folder.rglob("*") if file.is_file()]
    assert len(stored) > 6
    assert [file for file in stored if any(secret.encode() in file.read_bytes() for secret in secrets)] == []
