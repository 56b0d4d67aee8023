"""The filter of standard error, fed piece by piece as a pipe would."""

from __future__ import annotations

import json

import pytest
from sluice.runtime.log_lines import Filter

END = b"\x04\n"


@pytest.fixture
def shown(tmp_path, monkeypatch):
    """What the filter of a run in a log format shows, piece for piece."""
    monkeypatch.delenv("SLUICE_LOG_FORMAT", raising=False)

    def feed(log_format, *pieces):
        introduced = tmp_path / "run"
        if log_format:
            introduced.write_text(f"{log_format}\nr1\n")
        through = Filter(introduced)
        return [through.take(piece) for piece in pieces] + [through.rest(), through.ended]

    return feed


def test_text_passes_as_it_comes_even_half_a_line(shown):
    assert shown("text", b"a\nb", b"\rc\n", END) == [b"a\nb", b"\rc\n", b"", b"", True]


def test_the_jvms_noise_is_left_out_however_it_is_cut(shown):
    noise = b"WARNING: Using incubator modules: jdk.incubator.vector\n"
    assert shown("text", b"a\n" + noise[:9], noise[9:] + b"b\n")[:2] == [b"a\n", b"b\n"]
    assert shown("text", b"WARNING: else\n")[0] == b"WARNING: else\n"
    assert shown("json", noise)[0] == b""


def test_with_json_every_line_becomes_an_object_and_objects_pass(shown):
    done = b'{"time": "t", "run_id": "r1", "message": "m"}\n'
    *pieces, ended = shown("json", done, b"\xff\tat ", b'"x"\n\n', b'{"other": 1}\n', b"rest", b"\n" + END)
    assert (pieces[0], pieces[1], ended) == (done, b"", True)
    lines = [json.loads(line) for line in b"".join(pieces[1:]).splitlines()]
    assert [(line["run_id"], line["message"]) for line in lines] == [
        ("r1", '\\xff\tat "x"'),
        ("r1", '{"other": 1}'),
        ("r1", "rest"),
    ]
    assert all(line["time"].endswith("+00:00") for line in lines)


def test_nothing_is_shown_before_the_format_is_known_and_nothing_is_lost(shown, monkeypatch):
    assert shown(None, b"early\n", b"half") == [b"", b"", b"early\nhalf\n", True]
    monkeypatch.setenv("SLUICE_LOG_FORMAT", "json")
    assert json.loads(shown(None, b"early\n", END)[1])["message"] == "early"


def test_half_a_line_before_the_end_is_shown(shown):
    assert [json.loads(line)["message"] for line in shown("json", b"half", END)[1].splitlines()] == ["half"]
