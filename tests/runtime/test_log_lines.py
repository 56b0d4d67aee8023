"""What lines say of their run; the filter of standard error, fed piece by piece as a pipe would."""

from __future__ import annotations

import json

import pytest
from sluice.runtime import wrapper
from sluice.runtime.log_lines import Filter, LogStyle
from sluice.runtime.progress import Progress
from sluice.runtime.report import Report

END = b"\x04\n"


@pytest.fixture
def introduced(tmp_path, monkeypatch):
    """The file by which a run says how to write and where it is."""
    monkeypatch.delenv("SLUICE_LOG_FORMAT", raising=False)
    monkeypatch.setenv("SLUICE_WRAPPER", str(tmp_path))
    return tmp_path / "run"


@pytest.fixture
def shown(introduced):
    """What the filter of a run in a log format shows, piece for piece."""

    def feed(log_format, *pieces):
        if log_format:
            wrapper.introduce(LogStyle(log_format, "r1", "ingest", "products"))
        through = Filter(introduced, "ingest")
        return [through.take(piece) for piece in pieces] + [through.rest(), through.ended]

    return feed


def test_text_passes_as_it_comes_even_half_a_line(shown):
    assert shown("text", b"a\nb", b"\rc\n", END) == [b"a\nb", b"\rc\n", b"", b"", True]


def test_the_jvms_noise_is_left_out_however_it_is_cut(shown):
    noise = b"WARNING: Using incubator modules: jdk.incubator.vector\n"
    assert shown("text", b"a\n" + noise[:9], noise[9:] + b"b\n")[:2] == [b"a\n", b"b\n"]
    assert shown("text", b"WARNING: else\n")[0] == b"WARNING: else\n"
    assert shown("json", noise)[0] == b""


def test_a_file_of_a_job_of_another_version_changes_nothing(introduced):
    for text in ('{"other": 1}', "[]", "no JSON"):
        introduced.write_text(text)
        through = Filter(introduced, "ingest")
        assert through.take(b"x\n" + END) == b"x\n"


RUN = {"run_id": "r1", "job": "ingest", "table": "products", "step": None}


def test_with_json_every_line_becomes_an_object_and_objects_pass(shown):
    done = LogStyle("json", "r1", "ingest", "t").line("m").encode() + b"\n"
    *pieces, ended = shown("json", done, b"\xff\tat ", b'"x"\n\n', b'{"other": 1}\n', b"rest", b"\n" + END)
    assert (pieces[0], pieces[1], ended) == (done, b"", True)
    lines = [json.loads(line) for line in b"".join(pieces[1:]).splitlines()]
    assert all(line.pop("time").endswith("+00:00") for line in lines)
    assert lines == [{**RUN, "level": "info", "message": text} for text in ('\\xff\tat "x"', '{"other": 1}', "rest")]


def test_sparks_lines_get_what_those_of_the_job_have(shown):
    own = {"time": "t", "level": "warning", "spark_level": "ERROR", "logger": "org.x", "message": "m"}
    (line,) = [json.loads(line) for line in shown("json", json.dumps(own).encode() + b"\n", END)[0].splitlines()]
    assert line == {**own, **RUN}
    assert list(line)[:6] == ["time", "level", "run_id", "job", "table", "step"]


def test_lines_of_others_are_of_the_step_that_runs(introduced):
    progress = Progress("none", LogStyle("json", "r1", "ingest"))
    progress.report = Report("ingest", "r1", table="products")
    wrapper.introduce(progress.lines)
    through = Filter(introduced, "ingest")

    def place():
        entry = json.loads(through.take(b"x\n"))
        return entry["table"], entry["step"]

    assert place() == ("products", None)
    with progress.step("read"):
        assert place() == ("products", "read")
    with progress.about(Report("aggregate", "r1", table="products_agg")), progress.step("write"):
        assert place() == ("products_agg", "write")
    assert place() == ("products", None)


def test_the_cause_of_a_failure_is_of_the_step_that_failed():
    progress = Progress("none", LogStyle("json", "r1", "run"))
    progress.report = Report("run", "r1", table="products")
    part = Report("aggregate", "r1", table="products_agg")
    with progress.about(part):
        with pytest.raises(ValueError, match="x"), progress.step("write"), progress.step("start"):
            raise ValueError("x")
        assert (progress.lines.table, progress.lines.step) == ("products_agg", "start")
    assert (progress.lines.table, progress.lines.step) == ("products", None)  # it was dealt with within the part
    with pytest.raises(ValueError, match="x"), progress.about(part), progress.step("write"):
        raise ValueError("x")
    assert (progress.lines.table, progress.lines.step) == ("products_agg", "write")


def test_a_line_of_the_wrappers_own_is_an_error(shown):
    assert shown("text", b"\x03no report\n", END)[0] == b"no report\n"
    assert json.loads(shown("json", b"\x03no report\n", END)[0])["level"] == "error"


def test_only_a_warning_is_marked_in_text():
    lines = LogStyle()
    assert lines.line("left out: a.csv", "warning") == "warning: left out: a.csv"
    assert (lines.line("no such file", "error"), lines.line("merge …")) == ("no such file", "merge …")
    assert lines.timed_line("x", "warning")[8:] == " warning: x"


def test_the_last_line_is_as_short_as_a_mails_subject():
    whole = f"ingest: /{'a' * 400}/b.csv: no such file: check the path"
    assert LogStyle("json").short(whole) == whole
    assert LogStyle().short(whole[:300]) == whole[:300]
    short = LogStyle().short(whole)
    assert (len(short), short.count("…")) == (300, 1)
    assert (short[:10], short[-36:]) == ("ingest: /a", "/b.csv: no such file: check the path")


def test_nothing_is_shown_before_the_format_is_known_and_nothing_is_lost(shown, monkeypatch):
    assert shown(None, b"early\n", b"half") == [b"", b"", b"early\nhalf\n", True]
    monkeypatch.setenv("SLUICE_LOG_FORMAT", "json")
    early = json.loads(shown(None, b"early\n", END)[1])
    assert (early["message"], early["job"]) == ("early", "ingest")


def test_half_a_line_before_the_end_is_shown(shown):
    assert [json.loads(line)["message"] for line in shown("json", b"half", END)[1].splitlines()] == ["half"]
