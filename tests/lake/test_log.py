"""What a table's log says, and a newest entry that a loss of power left incomplete."""

from __future__ import annotations

import re
import subprocess

import pyarrow as pa
import pytest
from deltalake import DeltaTable, write_deltalake
from sluice.errors import InputError
from sluice.lake import log, small_tables
from sluice.lake.writer import Writer


@pytest.fixture
def newest(tmp_path):
    """The newest entry of the log of a table `t` at version 10."""
    for number in range(11):
        write_deltalake(tmp_path / "t", pa.table({"n": [number]}), mode="append")
    return tmp_path / "t" / "_delta_log" / f"{10:020}.json"


@pytest.mark.parametrize("left", [lambda text: "", lambda text: text[:-40], lambda text: "\0" * len(text)])
def test_an_incomplete_newest_entry_is_named_and_without_it_the_table_is_as_before(newest, left):
    lake = str(newest.parents[2])
    assert log.version(lake, "t") == 10
    newest.write_text(left(newest.read_text()))
    for look in (log.version, log.state, log.entries, log.history):
        with pytest.raises(InputError) as refused:
            look(lake, "t")
        assert str(refused.value).startswith(f"table t: the newest entry of its log, {newest}, is incomplete")
    newest.with_suffix(".crc").write_text("{}")
    way_out = re.search("`(.*)`", str(refused.value)).group(1)
    subprocess.run(["bash", "-c", way_out], check=True)
    assert not list(newest.parent.glob(f"*{10:020}*"))
    assert log.version(lake, "t") == 9


def test_a_folder_without_a_log_is_no_table(tmp_path):
    (tmp_path / "t" / "_delta_log").mkdir(parents=True)
    assert (log.version(str(tmp_path), "t"), log.version(str(tmp_path), "nothing")) == (None, None)


@pytest.fixture
def checkpoint(newest):
    """The newest checkpoint of the log of the table `t`, at version 10."""
    DeltaTable(newest.parents[1]).create_checkpoint()
    return newest.with_name(f"{10:020}.checkpoint.parquet")


@pytest.mark.parametrize("left", [lambda data: data[: len(data) // 2], lambda data: b"", None])
def test_a_damaged_checkpoint_is_named_and_without_it_the_table_is_the_same(checkpoint, left):
    lake, data = str(checkpoint.parents[2]), checkpoint.read_bytes()
    expected = log.entries(lake, "t")
    checkpoint.unlink()
    if left:
        checkpoint.write_bytes(left(data))
    with pytest.raises(
        InputError, match=r"table t: the checkpoint 0+10[.]checkpoint[^ ]* of its log is damaged or"
    ) as refused:
        log.version(lake, "t")
    subprocess.run(["bash", "-c", re.search("`(.*)`", str(refused.value)).group(1)], check=True)
    assert not list(checkpoint.parent.glob("*checkpoint*"))
    assert log.entries(lake, "t") == expected


def test_a_missing_entry_is_one_line(newest):
    newest.with_name(f"{3:020}.json").unlink()
    with pytest.raises(InputError, match=r"^table t: its log cannot be read \(.*\): see 'Damaged files' in docs"):
        log.version(str(newest.parents[2]), "t")


@pytest.mark.parametrize("left", [lambda data: data[: len(data) // 2], None])
def test_a_small_table_whose_file_is_damaged_or_missing_is_one_line(newest, left):
    lake, file = str(newest.parents[2]), next(newest.parents[1].glob("*.parquet"))
    data = file.read_bytes()
    file.unlink()
    if left:
        file.write_bytes(left(data))
    with pytest.raises(InputError, match=rf"^table t: .*{file.name}.*: see 'Damaged files' in docs/running.md"):
        small_tables.read(lake, "t")
    small_tables.append(lake, "t", pa.table({"n": [1]}), Writer("run", 1, print))
