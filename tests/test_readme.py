"""Every example of the README runs."""

from __future__ import annotations

import re
import shlex

from conftest import PROJECT


def examples():
    blocks = re.findall(r"```console\n(.*?)```", (PROJECT / "README.md").read_text(), re.DOTALL)
    return [shlex.split(line) for block in blocks for line in block.splitlines()]


def test_the_examples_in_their_order(job, database, tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    (tmp_path / "conf").symlink_to(PROJECT / "conf")
    outcomes = []
    for wrapper, *arguments in examples():
        assert wrapper == "./spark-submit.sh"
        done = job(*arguments)
        assert done.exit_code == 0, (arguments, done.stderr)
        outcomes.append((arguments[0], done.report["status"]))
    assert [outcome for outcome in outcomes if outcome[1] == "nothing_new"] == [
        ("ingest", "nothing_new"),  # the same file again
        ("rejects", "nothing_new"),  # there are none
        ("ingest", "nothing_new"),
        ("maintain", "nothing_new"),  # no file is old enough to be vacuumed
    ]
    assert {name for name, _ in outcomes} == {path.stem for path in (PROJECT / "jobs").glob("*.py")}
