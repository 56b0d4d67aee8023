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
STATISTICS = ("date", "customer_id", "success_requests", "failed_requests")
MINUTES = float(os.environ.get("SLUICE_TEST_MINUTES") or 3)


@dataclass
class Model:
    """What Sluice must hold: products by sku, which commits and files it has, and which files have rejects.

    `products`: sku → name, and the reading that wrote it last. `commits`: version → the id of the commit that made it,
    and the products after it. `ledger`: file → its contents when it was read, the version then and that version's
    commit. `rejects`: file → how many it has, when it was read first, and all readings of it since.
    """

    products: dict = field(default_factory=dict)
    commits: dict = field(default_factory=dict)
    ledger: dict = field(default_factory=dict)
    rejects: dict = field(default_factory=dict)
    number_of_commits: int = 0
    number_of_readings: int = 0
    first_restorable: int = 0  # files of earlier versions may have been deleted

    @property
    def names(self):
        return {sku: name for sku, (name, _) in self.products.items()}

    @property
    def version(self):
        return max(self.commits, default=None)

    def is_known(self, path, contents):
        entry = self.ledger.get(path)
        return entry is not None and entry[0] == contents and self.commits.get(entry[1], (None,))[0] == entry[2]

    def ingest(self, files, version, replay=False):
        """The counts of an ingest of files (path → rows and time) that leaves the table at a version."""
        self.number_of_readings += 1
        now, last, counts = self.number_of_readings, {}, Counter()
        for path in sorted(files):
            for sku, name in files[path][0]:
                counts["read"] += 1
                counts["rejected"] += not sku
                if sku:
                    counts["duplicate"] += sku in last
                    last[sku] = (name, path)
        for sku, (name, path) in last.items():
            stored = self.products.get(sku)
            outcome = "inserted" if stored is None else "unchanged" if stored[0] == name else "updated"
            if replay and outcome == "updated" and self.came_later(stored[1], path):
                outcome = "duplicate"
            counts[outcome] += 1
            if outcome in ("inserted", "updated"):
                self.products[sku] = (name, now)
        self.at(version)
        for path, contents in files.items():
            self.ledger[path] = (contents, version, self.commits[version][0])
            earlier = self.rejects.pop(path, None)
            _, first, readings = earlier if replay else (0, now, set())
            if count := sum(not sku for sku, _ in contents[0]):
                self.rejects[path] = (count, first, readings | {now})
        return {outcome: count for outcome, count in counts.items() if count}

    def came_later(self, reading, path):
        """Whether a reading came after a file with rejects was read first, and is not one of the file itself."""
        _, first, readings = self.rejects[path]
        return reading > first and reading not in readings

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

    def replay():
        done = job("rejects", "replay", "products", "--max-rejects", "100%", "--run-id", dice.choice(["r1", "r2"]))
        assert done.exit_code == 0, done.stderr
        if not model.rejects:
            assert done.report["status"] == "nothing_new"
            return
        again = {path: (files[path], path.stat().st_mtime_ns) for path in model.rejects}
        assert done.counts == model.ingest(again, done.report["table_version"], replay=True)

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
        assert dict(rows("products_agg", "name", "no_of_products")) == Counter(model.names.values())

    def export():
        done = job("export", "products", *(["--full"] if dice.random() < 0.2 else []))
        assert done.exit_code == 0, done.stderr
        assert dict(database("SELECT sku, name FROM products")) == model.names

    write(inputs / "0.csv")
    ingest()
    actions = (
        [ingest] * 5
        + [replay] * 2
        + [reprocess, clear, restore, optimize, vacuum, back_up, put_back, kill_and_run_again]
    )
    actions += [aggregate, export] * 2
    ends = time.monotonic() + MINUTES * 60
    while time.monotonic() < ends:
        action = dice.choice(actions)
        action()
        steps[action.__name__] += 1
        assert dict(rows("products", "sku", "name")) == model.names, (action.__name__, steps)
        kept = Counter(file for (file,) in rows("rejects", "file")) if (lake / "rejects").exists() else {}
        assert kept == {path.as_uri(): count for path, (count, *_) in model.rejects.items()}, (action.__name__, steps)
    aggregate()
    export()
    print(f"{sum(steps.values())} steps: {dict(steps)}")


DAYS = ["0001-01-02", "2024-10-01", "2024-10-02", "2024-10-03", "2024-12-31", "9999-12-30"]


@pytest.mark.slow
def test_random_logs_prunes_and_scores_leave_what_a_model_says(job, lake, tmp_path, rows, database):
    """Lines are counted once however logs overlap; the statistics of pruned days stay, and their lines are rejects.

    A ranking is the first rows of the scores, whatever values change.
    """
    print(f"SLUICE_TEST_SEED={SEED}")
    dice, steps = random.Random(SEED), Counter()
    lines, frozen, number, first_day, values = Counter(), Counter(), 0, "", {}

    def counted(kept):
        """Requests by date, customer and whether the server failed."""
        groups = Counter()
        for line, count in kept.items():
            day, _, customer, _, status, _ = line.split()
            groups[day, customer, status == "500"] += count
        return groups

    def check_statistics(statistics):
        found = Counter()
        for day, customer, good, bad in statistics:
            found[str(day), customer, False], found[str(day), customer, True] = good, bad
        assert +found == counted(lines) + frozen

    def kept_rejects():
        return len(rows("rejects", "raw")) if (lake / "rejects").exists() else 0

    def ingest():
        nonlocal number, lines
        files, read, rejected = [], 0, 0
        for _ in range(dice.randint(1, 3)):
            number += 1
            path = tmp_path / f"{number}.log"
            parts = (dice.choice(DAYS), "05:00:00", dice.choice("ab"), "/p", dice.choice(["200", "500"]), "0.5")
            text = [" ".join(parts)] * dice.randint(0, 3)
            text += [f"{dice.choice(DAYS)} 23:59:59 {dice.choice('ab')} /p 200 {dice.randint(0, 2)}" for _ in range(4)]
            path.write_text("".join(f"{line}\n" for line in text))
            files.append(path)
            taken = Counter(line for line in text if line[:10] >= first_day)
            rejected += len(text) - taken.total()
            read += len(text)
            lines |= taken  # of identical lines as many as the file that has most of them
        before = kept_rejects()
        done = job("ingest", "requests", *files, "--max-rejects", "100%")
        assert done.exit_code == 0, done.stderr
        assert done.report["rows_read"] == read
        assert done.report["rows_rejected"] == rejected
        assert kept_rejects() == before + rejected

    def prune():
        nonlocal first_day, lines
        day = dice.choice([day for day in DAYS if day >= first_day])
        done = job("maintain", "prune", "requests", "--before", day)
        assert done.exit_code == 0, done.stderr
        gone = Counter({line: count for line, count in lines.items() if line[:10] < day})
        assert done.report["rows_removed"] == gone.total()
        frozen.update(counted(gone))
        lines, first_day = lines - gone, day

    def aggregate():
        done = job("aggregate", "requests", *(["--full-refresh"] if dice.random() < 0.3 else []))
        assert done.exit_code == 0, done.stderr
        check_statistics(rows("resource_statistics_by_day", *STATISTICS))

    def export():
        aggregate()
        assert job("export", "resource_statistics_by_day").exit_code == 0
        columns = ", ".join(STATISTICS[1:])
        check_statistics(database(f"SELECT date::text, {columns} FROM resource_statistics_by_day"))

    def optimize():
        assert job("maintain", "optimize", "requests").exit_code == 0

    def rank():
        nonlocal number
        number += 1
        path = tmp_path / f"{number}.txt"
        some = dice.sample(range(1300), 1300 if not values else dice.randint(1, 200))
        changed = {f"s{id}": dice.randint(-50, 50) for id in some}
        path.write_text("".join(f"{id}_{value}\n" for id, value in changed.items()))
        assert job("ingest", "scores", path).exit_code == 0
        assert job("aggregate", "scores").exit_code == 0
        values.update(changed)
        first = sorted(values.items(), key=lambda item: (-item[1], item[0]))[:1000]
        assert sorted(rows("top_scores", "id", "value")) == sorted(first)

    ingest()
    ends = time.monotonic() + MINUTES * 60
    while time.monotonic() < ends:
        action = dice.choice([ingest] * 4 + [aggregate] * 3 + [prune, export, optimize, rank, rank])
        action()
        steps[action.__name__] += 1
        kept = Counter(str(moment) for (moment,) in rows("requests", "date"))
        assert kept == sum((Counter({day: n}) for (day, *_), n in counted(lines).items()), Counter()), steps
    aggregate()
    print(f"{sum(steps.values())} steps: {dict(steps)}")
