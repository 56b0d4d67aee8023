"""How much is compiled follows from what a job reads; what a user asks for goes before."""

from __future__ import annotations

import pytest
from conftest import PROJECT
from sluice.runtime import compiling

SHIPPED = ["--properties-file", f"{PROJECT}/conf/spark-defaults.conf"]
LOCAL = ["--master", "local[*]", *SHIPPED, "--conf", "spark.sql.shuffle.partitions=7"]


@pytest.mark.parametrize(
    ("size", "quick_java", "quick_spark"),
    [
        (0, True, True),
        (compiling.TINY, True, True),
        (compiling.TINY + 1, True, False),
        (compiling.SMALL, True, False),
        (compiling.SMALL + 1, False, False),
        (None, False, False),
    ],
)
def test_what_is_compiled_follows_from_the_bytes_that_are_read(size, quick_java, quick_spark):
    assert ("TieredStopAtLevel" in compiling.java_options(size)) == quick_java
    assert ("spark.sql.adaptive.enabled=false" in compiling.spark_options(size, LOCAL)) == quick_spark


def test_a_jvm_that_runs_already_is_told_what_the_user_did_not_choose():
    settings = compiling.session_settings(compiling.TINY, LOCAL)
    assert settings["spark.sql.adaptive.enabled"] == "false"
    assert "spark.sql.shuffle.partitions" not in settings
    assert compiling.session_settings(compiling.TINY + 1, LOCAL) == {}
    assert compiling.session_settings(None, LOCAL) == {}
    assert compiling.session_settings(0, ["--master", "local[2]", "--properties-file", "/etc/mine.conf"]) == {}


def test_what_the_user_gives_comes_last():
    assert compiling.spark_options(0, LOCAL)[-len(LOCAL) :] == LOCAL


@pytest.mark.parametrize(
    "given",
    [
        ["--master", "spark://host:7077", *SHIPPED],
        ["--master", "local[2]", "--properties-file", "/etc/mine.conf"],
        ["--master", "local[2]", "--properties-file=/etc/mine.conf"],
    ],
)
def test_a_cluster_and_settings_of_the_user_stay_as_they_are(given):
    assert compiling.spark_options(0, given) == given
