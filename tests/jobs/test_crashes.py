"""Runs killed with -9 at random moments, in chains: the same command then ends as it would have without a crash.

Two lakes, each with a schema of PostgreSQL, take the same files: in one each run is killed several times before it may
end, in the other none. A chain kills what a machine may lose: the job's Python, its JVM, or all processes. The seed is
printed; `SLUICE_TEST_SEED` repeats it, and `SLUICE_TEST_CRASHES` asks for more crashes.
"""

from __future__ import annotations

import json
import os
import random
import signal
import threading
import time
from collections import Counter
from contextlib import suppress

import psutil
import pytest
from conftest import HEADER, ORDERS, run_job
from deltalake import DeltaTable
from processes import job_pythons, jvms, wait_for
from sluice.lake.opened import storage_options

pytestmark = pytest.mark.slow

SEED = int(os.environ.get("SLUICE_TEST_SEED") or random.randrange(1 << 32))
CRASHES = int(os.environ.get("SLUICE_TEST_CRASHES") or 12)
IN_A_CHAIN = 4
# Columns that differ between any two lakes: when a row came, by which run, and in which commit.
OF_ONE_LAKE = {"run_id", "ingested_at", "rejected_at", "read_at", "read_by", "deleted_at"}
OF_ONE_LAKE |= {"table_id", "table_version", "table_commit"}
TABLES = {
    "products": ("products_agg",),
    "requests": ("resource_statistics_by_day",),
    "scores": ("top_scores",),
    "orders": ("orders_by_day",),
}


def lines_of(table, dice, number):
    """The next file of a table: keys that were there before and new ones, and lines that are rejects."""
    if table == "products":
        rows = [f'k{dice.randrange(4000)},n{dice.randrange(50)},"d\n{dice.random()}"' for _ in range(3000)]
        return [HEADER, *rows, "no name", ",x,"]
    if table == "requests":
        times = [f"2024-10-{dice.randrange(1, 5):02} 05:{dice.randrange(60):02}:00" for _ in range(1000)]
        return [*(f"{t} c{dice.randrange(5)} /p {dice.choice((200, 500))} 0.{dice.randrange(9)}" for t in times), "bad"]
    if table == "scores":
        return [*(f"s{dice.randrange(2000)}_{dice.randrange(10**6)}" for _ in range(2000)), "none"]
    days = [f"2024-10-{dice.randrange(1, 20):02} 10:00:{number % 60:02}" for _ in range(2000)]
    return ["id,op,at", *(f"{dice.randrange(1500)},{dice.choice('IIUD')},{day}" for day in days), "x,I,2024-10-01"]


class Twin:
    """A lake and a schema of PostgreSQL; after `use` jobs work there."""

    def __init__(self, lake, schema, patch, database):
        self.lake, self.schema, self.patch, self.database = lake, schema, patch, database
        database(f"DROP SCHEMA IF EXISTS {schema} CASCADE; CREATE SCHEMA {schema}")

    def use(self):
        self.patch.setenv("SLUICE_LAKE", self.lake)
        self.patch.setenv("SLUICE_SCHEMA", self.schema)

    def contents(self, table):
        """The rows of all Delta tables and of PostgreSQL that belong to a table, without what is of one lake alone."""
        names = (table, *TABLES[table], "ingested_files", "rejects", "sluice_deletes")
        stored = {f"delta {name}": self._delta(name, table) for name in names}
        for name in (table, *TABLES[table]):
            columns = [row[0] for row in self.database(COLUMNS, self.schema, name) if row[0] not in OF_ONE_LAKE]
            listed = ", ".join(f'"{column}"' for column in columns)
            rows = self.database(f"SELECT {listed} FROM {self.schema}.{name}") if columns else []
            stored[f"postgresql {name}"] = Counter(map(repr, rows))
        stored["staging"] = Counter(self.database(STAGING, self.schema))
        return stored

    def _delta(self, name, table):
        uri = f"{self.lake}/{name}"
        options = storage_options(self.lake)
        if not DeltaTable.is_deltatable(uri, options):
            return Counter()
        rows = DeltaTable(uri, storage_options=options).to_pyarrow_table()
        rows = rows.drop_columns([column for column in rows.column_names if column in OF_ONE_LAKE])
        return Counter(repr(row) for row in rows.to_pylist() if row.get("table", table) == table)


COLUMNS = "SELECT column_name FROM information_schema.columns WHERE table_schema = %s AND table_name = %s ORDER BY 1"
STAGING = "SELECT tablename FROM pg_tables WHERE schemaname = %s AND starts_with(tablename, 'sluice_staging')"


@pytest.fixture(params=["disk", "s3"])
def twins(request, spark, tmp_path, monkeypatch, database):
    (tmp_path / "tables").mkdir()
    (tmp_path / "tables" / "orders.toml").write_text(ORDERS)
    monkeypatch.setenv("SLUICE_TABLES", str(tmp_path / "tables"))
    root = str(tmp_path)
    if request.param == "s3":
        request.getfixturevalue("s3")
        root = f"s3a://sluice/{tmp_path.name}-{SEED}"
    return [Twin(f"{root}/{name}", name, monkeypatch, database) for name in ("crashed", "whole")]


class Crash:
    """A run that is killed at a moment: reads what it says meanwhile, and checks what is left of it."""

    def __init__(self, process):
        self.process, self.lines = process, []
        self.reader = threading.Thread(target=lambda: self.lines.extend(process.stderr))
        self.reader.start()

    def at(self, moment, what):
        """Kills `what` a moment (seconds) after the first step; gives the step, or None for a run that had ended."""
        with suppress(AssertionError):
            wait_for(lambda: self.process.poll() is not None or any(" read …" in line for line in self.lines), 60)
        time.sleep(moment)
        victims = {"python": job_pythons, "jvm": jvms, "all": lambda process: []}[what](self.process)
        running = jvms(self.process)
        if self.process.poll() is not None or not running:
            self.ended()
            return None
        step = self.lines[-1].split(" ", 1)[1].split(":")[0].strip(" …\n") if self.lines else "start"
        for victim in victims:
            victim.send_signal(signal.SIGKILL)
        if what == "all":
            os.killpg(self.process.pid, signal.SIGKILL)
        _, left = psutil.wait_procs(running, 30)
        assert not left, "a JVM is left"
        code, out = self.ended()
        if what == "jvm" and code:
            assert json.loads(out)["error"].startswith("Spark's JVM ended in the middle of the run"), out
        return step

    def ended(self):
        code, out = self.process.wait(60), self.process.stdout.read()
        self.reader.join()
        assert not any("Traceback" in line or '  File "' in line for line in self.lines), self.lines
        return code, out


def test_runs_that_crash_at_random_moments_end_as_runs_that_do_not(submit, twins, tmp_path):
    print(f"SLUICE_TEST_SEED={SEED}")
    dice, crashed, whole = random.Random(SEED), *twins
    steps, crashes, number = Counter(), Counter(), 0
    seconds = dict.fromkeys(TABLES, 8.0)
    while sum(crashes.values()) < CRASHES:
        table, number = list(TABLES)[number % len(TABLES)], number + 1
        path = tmp_path / f"{table}-{number}"
        path.write_text("\n".join(lines_of(table, dice, number)) + "\n")
        arguments = ["run", table, path, "--with-records", "--max-rejects", 5, "--progress", "plain"]
        crashed.use()
        for _ in range(IN_A_CHAIN):
            what = dice.choice(["python", "jvm", "all"])
            step = Crash(submit(*arguments)).at(dice.uniform(0, seconds[table]), what)
            if step:
                crashes[what] += 1
                steps[step] += 1
            seconds[table] *= 1.3 if step else 0.7  # so that moments are spread over the whole run
        done = run_job(*arguments)
        assert done.exit_code == 0, done.stderr
        whole.use()
        assert run_job(*arguments).exit_code == 0
        expected, found = whole.contents(table), crashed.contents(table)
        assert all(expected[f"{place} {name}"] for place in ("delta", "postgresql") for name in (table, *TABLES[table]))
        assert expected["delta rejects"]
        for name in expected:
            assert found[name] == expected[name], (name, found[name] - expected[name], expected[name] - found[name])
    print(f"{sum(crashes.values())} crashes: {dict(crashes)}; in {dict(steps)}")
