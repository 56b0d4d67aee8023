"""What a table's log says, and a newest entry that a loss of power left incomplete."""

from __future__ import annotations

import re
import subprocess

import pyarrow as pa
import pytest
from deltalake import write_deltalake
from sluice.errors import InputError
from sluice.lake import log


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
