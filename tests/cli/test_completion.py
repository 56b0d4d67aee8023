"""TAB after ./spark-submit.sh, in a real bash."""

from __future__ import annotations

import subprocess

import pytest
from conftest import PROJECT

SCRIPT = """
source conf/completion.bash
complete -p spark-submit.sh >/dev/null || exit
while IFS= read -r line; do
    read -ra COMP_WORDS <<<"$line"
    [[ $line != *" " ]] || COMP_WORDS+=("")
    COMP_CWORD=$((${#COMP_WORDS[@]} - 1))
    _sluice
    echo "${COMPREPLY[*]}"
done
"""


def offered(*lines):
    """What is offered at the end of each line."""
    text = "".join(f"./spark-submit.sh {line}\n" for line in lines)
    done = subprocess.run(["bash", "-c", SCRIPT], cwd=PROJECT, input=text, capture_output=True, text=True)
    assert (done.returncode, done.stderr) == (0, "")
    return [line.split() for line in done.stdout.splitlines()]


def test_jobs_options_and_values():
    wanted = {"--master local[2] ex": ["export"], "query products --format = j": ["json"]}
    assert dict(zip(wanted, offered(*wanted), strict=True)) == wanted


@pytest.mark.slow
def test_commands_tables_and_nothing_where_files_are_meant(tmp_path):
    (tmp_path / "mine.toml").write_text('key = ["a"]\n[source]\nformat = "csv"\n[columns]\na = "int"\n')
    wanted = {
        f"ingest --tables {tmp_path} mi": ["mine"],
        "export products_a": ["products_agg"],
        "tables d": ["draft"],
        "maintain --": ["--help"],
        "ingest --max-rej": ["--max-rejects"],
        "ingest products ": [],
        "ingest --tables /nowhere ": [],
    }
    assert dict(zip(wanted, offered(*wanted), strict=True)) == wanted
