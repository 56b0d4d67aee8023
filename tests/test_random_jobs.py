"""Random sequences of jobs against a model in plain Python: table, aggregate, rejects, ledger and PostgreSQL.

Jobs are killed too, files of earlier versions deleted, and the table's folder put back from a backup.

The seed of a sequence is printed; `SLUICE_TEST_SEED` repeats it, `SLUICE_TEST_MINUTES` gives it more time.
"""

from __future__ import annotations

import os
import random
import shutil
import time
from collections import Counter
from contextlib import suppress
from dataclasses import dataclass, field

import pytest
from conftest import HEADER
from processes import kill

SEED = int(os.environ.get("SLUICE_TEST_SEED") or random.randrange(1 << 32))
MINUTES = float(os.environ.get("SLUICE_TEST_MINUTES") or 3)


@dataclass
class Model:
    """What Sluice must hold: products by sku, and which commits and files it has.

    `commits`: version → the id of the commit that made it, and the products after it. `ledger`: file → its contents
    when it was read, the version then and that version's commit.
    """

    products: dict = field(default_factory=dict)
    commits: dict = field(default_factory=dict)
    ledger: dict = field(default_factory=dict)
    number_of_commits: int = 0
    first_restorable: int = 0  # files of earlier versions may have been deleted

    @property
    def version(self):
        return max(self.commits, default=None)

    def is_known(self, path, contents):
        entry = self.ledger.get(path)
        return entry is not None and entry[0] == contents and self.commits.get(entry[1], (None,))[0] == entry[2]

    def ingest(self, files, version):
        """The counts of an ingest of files (path → rows and time) that leaves the table at a version."""
        last, counts = {}, Counter()
        for path in sorted(files):
            for sku, name in files[path][0]:
                counts["read"] += 1
                if not sku:
                    counts["rejected"] += 1
                elif sku in last:
                    counts["duplicate"] += 1
                if sku:
                    last[sku] = name
        for sku, name in last.items():
            known = self.products.get(sku)
            counts["inserted" if known is None else "unchanged" if known == name else "updated"] += 1
        self.products = self.products | last
        self.at(version)
        self.ledger |= {path: (contents, version, self.commits[version][0]) for path, contents in files.items()}
        return dict(counts)

    def at(self, version):
        """The table is at a version now; every version between is a commit of this job."""
        for number in range(-1 if self.version is None else self.version, version):
            self.number_of_commits += 1
            self.commits[number + 1] = (self.number_of_commits, dict(self.products))

    def restore(self, version):
        self.products = dict(self.commits[version][1])
        self.ledger = {path: entry for path, entry in self.ledger.items() if entry[1] <= version}


@pytest.mark.slow
def test_random_jobs_leave_what_a_model_says(job, submit, lake, tmp_path, rows, database):
    print(f"SLUICE_TEST_SEED={SEED}")
    dice, model, files, backup, steps = random.Random(SEED), Model(), {}, None, Counter()
    inputs, saved = tmp_path / "in", tmp_path / "backup"
    inputs.mkdir()

    def write(path):
        files[path] = [(dice.choice(["", *"abcdefgh"]), dice.choice("xyz")) for _ in range(dice.randint(0, 6))]
        path.write_text(f"{HEADER}\n" + "".join(f"{sku},{name},\n" for sku, name in files[path]))
        os.utime(path, ns=(0, dice.randrange(10**18)))  # the same text at another time is another file

    def choose():
        """Files, some of them changed before: path → rows and time."""
        for _ in range(dice.randint(0, 2)):
            write(inputs / f"{dice.randrange(6)}.csv")
        chosen = dice.sample(sorted(files), dice.randint(1, len(files)))
        return {path: (files[path], path.stat().st_mtime_ns) for path in chosen}

    def check_rejects(new):
        kept = Counter(file for file, _ in rows("rejects", "file", "raw")) if (lake / "rejects").exists() else {}
        for path, (records, _) in new.items():
            assert kept.get(path.as_uri(), 0) == sum(not sku for sku, _ in records), path

    def ingest(*options):
        chosen = choose()
        new = {p: v for p, v in chosen.items() if "--reprocess" in options or not model.is_known(p, v)}
        options = (*options, "--max-rejects", "100%", "--run-id", dice.choice(["r1", "r2"]))
        done = job("ingest", "products", *chosen, *options)
        assert done.exit_code == 0, done.stderr
        counted = (done.report["files"], done.report["files_skipped"])
        assert counted == (len(new), len(chosen) - len(new)), done.stderr
        if new:
            assert done.counts == model.ingest(new, done.report["table_version"])
            check_rejects(new)

    def kill_and_run_again():
        chosen = choose()
        new = {p: v for p, v in chosen.items() if not model.is_known(p, v)}
        command = ("ingest", "products", *chosen, "--max-rejects", "100%")
        process = submit(*command)
        time.sleep(dice.uniform(1, 15))
        with suppress(ProcessLookupError):  # it had ended
            kill(process)
        done = job(*command)
        assert done.exit_code == 0, done.stderr
        if new:
            model.ingest(new, max(int(path.stem) for path in (lake / "products/_delta_log").glob("0*.json")))
            check_rejects(new)

    def vacuum():
        done = job("maintain", "vacuum", "products", "--older-than", 0, "--force")
        assert done.exit_code == 0, done.stderr
        model.at(done.report["table_version"])
        model.first_restorable = model.version

    def reprocess():
        ingest("--reprocess")

    def clear():
        done = job("maintain", "clear", "products")
        assert done.report["rows_removed"] == len(model.products)
        model.products, model.ledger = {}, {}
        model.at(done.report["table_version"])

    def restore():
        version = dice.choice([each for each in sorted(model.commits) if each >= model.first_restorable])
        done = job("maintain", "restore", "products", "--version", version)
        assert done.exit_code == 0, done.stderr
        model.restore(version)
        model.at(done.report["table_version"])

    def optimize():
        done = job("maintain", "optimize", "products")
        assert done.exit_code == 0, done.stderr
        model.at(done.report["table_version"])

    def back_up():
        nonlocal backup
        shutil.rmtree(saved, ignore_errors=True)
        shutil.copytree(lake / "products", saved)
        backup = (dict(model.products), dict(model.commits), model.first_restorable)

    def put_back():
        if backup:
            shutil.rmtree(lake / "products")
            shutil.copytree(saved, lake / "products")
            model.products, model.commits, model.first_restorable = dict(backup[0]), dict(backup[1]), backup[2]

    def aggregate():
        assert job("aggregate", "products").exit_code == 0
        assert dict(rows("products_agg", "name", "no_of_products")) == Counter(model.products.values())

    def export():
        done = job("export", "products", *(["--full"] if dice.random() < 0.2 else []))
        assert done.exit_code == 0, done.stderr
        assert dict(database("SELECT sku, name FROM products")) == model.products

    write(inputs / "0.csv")
    ingest()
    actions = [ingest] * 5 + [reprocess, clear, restore, optimize, vacuum, back_up, put_back, kill_and_run_again]
    actions += [aggregate, export] * 2
    ends = time.monotonic() + MINUTES * 60
    while time.monotonic() < ends:
        action = dice.choice(actions)
        action()
        steps[action.__name__] += 1
        assert dict(rows("products", "sku", "name")) == model.products, (action.__name__, steps)
    aggregate()
    export()
    print(f"{sum(steps.values())} steps: {dict(steps)}")
