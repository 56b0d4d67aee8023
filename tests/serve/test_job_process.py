"""What the lines of a job say to those who follow it."""

from __future__ import annotations

from sluice.serve.events import Events
from sluice.serve.job_process import Steps


def line(at, step, message, **fields):
    return {
        "time": f"2026-01-01T00:00:{at}+00:00",
        "level": "info",
        "table": "t",
        "step": step,
        "message": message,
        **fields,
    }


def test_lines_are_steps_with_their_seconds_and_messages():
    steps = Steps()
    read, merge = {"step": "read", "table": "t"}, {"step": "merge", "table": "t"}
    assert steps.events(line("01.5", "read", "read …")) == [("step", read)]
    going = "read: 10 s, 5 rows"
    assert steps.events(line("02", "read", going)) == [("line", {"message": going, "level": "info"})]
    assert steps.events(line("03", "read", "Spark's", logger="org.apache.spark")) == []
    warning = line("03", "read", "Spark's", logger="org.apache.spark", level="warning")
    assert steps.events(warning) == [("line", {"message": "Spark's", "level": "warning"})]
    assert steps.events(line("04", "merge", "merge …")) == [("step", {**read, "seconds": 2.5}), ("step", merge)]
    done = steps.events(line("05", None, "run: succeeded"))
    assert done == [("step", {**merge, "seconds": 1.0}), ("line", {"message": "run: succeeded", "level": "info"})]
    assert steps.events({"level": "info", "message": "no JSON"}) == [("line", {"message": "no JSON", "level": "info"})]


def test_an_id_of_another_life_of_the_server_begins_anew():
    events = Events()
    life = events._life
    ids = ("", f"{life}-4", f"{life}-x", f"{life}-²", "other-4", "end")
    assert [events.after(text) for text in ids] == [0, 5, 0, 0, 0, 0]
