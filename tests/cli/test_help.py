"""What `--help` of every job shows: whole sentences, options under headings, examples that are right."""

from __future__ import annotations

import re
import runpy
import shlex

import click
import pytest
from click.testing import CliRunner
from conftest import PROJECT
from sluice.cli.options import KEYS

MAINS = {path.stem: runpy.run_path(str(path))["main"] for path in sorted((PROJECT / "jobs").glob("*.py"))}
COMMANDS = {
    " ".join(filter(None, (name, part))): command
    for name, main in MAINS.items()
    for part, command in (main.commands.items() if isinstance(main, click.Group) else [("", main)])
}


def shown(*arguments, width=200):
    """The help as users see it."""
    name, *rest = arguments
    done = CliRunner().invoke(MAINS[name], [*rest, "--help"], terminal_width=width)
    assert (done.exit_code, done.stderr) == (0, "")
    return done.stdout


def sections(text):
    """Heading → the options under it, in their order."""
    parts = re.split(r"^(\S.*):\n", text, flags=re.MULTILINE)
    return {
        heading: re.findall(r"^  (--\S+)", body, re.MULTILINE)
        for heading, body in zip(parts[1::2], parts[2::2], strict=True)
    }


ALL_JOBS = [
    "--lake",
    "--tables",
    "--run-id",
    "--result-file",
    "--metrics-file",
    "--log-format",
    "--progress",
    "--shared-filesystem",
    "--keep-warm",
    "--profile",
    "--help",
]
READING = {
    "CSV": [
        "--delimiter",
        "--quote",
        "--escape",
        "--skip-lines",
        "--header",
        "--strict-quotes",
        "--header-rows",
        "--null",
        "--escape-sequences",
        "--skip-initial-space",
    ],
    "Request logs": ["--format", "--timezone", "--field", "--customer", "--keep-query", "--source", "--duration-unit"],
    "Process listings": ["--host", "--snapshot-at", "--os", "--path-pattern"],
}
WRITING = {"This run": ["--dry-run", "--lock-timeout"], "All jobs": ALL_JOBS}
INPUT = [
    "--max-rejects",
    "--on-new-column",
    "--max-decompressed",
    "--input-root",
    "--reprocess",
    "--on-bad-file",
    "--min-age",
    "--max-files",
    "--encoding",
    "--max-record-bytes",
]


def test_options_are_under_headings():
    example, examples = {"Example": []}, {"Examples": []}
    assert list(sections(shown("ingest")).items()) == list(({"Input": INPUT} | READING | WRITING | examples).items())
    postgres = {"PostgreSQL": ["--with-records", "--schema"]}
    assert list(sections(shown("run")).items()) == list(
        ({"Input": INPUT} | READING | postgres | WRITING | examples).items()
    )
    assert list(sections(shown("maintain", "vacuum")).items()) == list(
        ({"Options": ["--older-than", "--force"]} | WRITING | example).items()
    )
    assert sections(shown("generate")) == {
        "Options": ["--rows", "--output", "--seed"],
        "Only for processes": ["--this-machine"],
        "Only for requests": ["--disorder"],
        "All jobs": ALL_JOBS,
        "Examples": [],
    }


@pytest.mark.parametrize("name", COMMANDS)
def test_examples_come_last_and_are_taken(name):
    command = COMMANDS[name]
    assert 1 <= len(command.examples) <= 2
    lines = [f"  ./spark-submit.sh {example}" for example in command.examples]
    assert shown(*name.split()).splitlines()[-len(lines) :] == lines
    for example in command.examples:
        job, *arguments = shlex.split(example)
        main = MAINS[job]
        if isinstance(main, click.Group):
            assert main.commands[arguments.pop(0) if arguments else main.default] is command
        else:
            assert main is command
        assert command.make_context(job, arguments).args == []


@pytest.mark.parametrize("name", [name for name, main in MAINS.items() if isinstance(main, click.Group)])
def test_a_job_of_several_commands_shows_an_example_of_each(name):
    lines = [f"  ./spark-submit.sh {command.examples[0]}" for command in MAINS[name].commands.values()]
    text = shown(name, width=80)
    assert text.splitlines()[-len(lines) :] == lines
    short = re.findall(r"^  \w+  +(\S.*)$", text.partition("Commands:\n")[2], re.MULTILINE)
    assert len(short) == len(lines)
    assert [text for text in short if not text.endswith(".") or text.endswith("...")] == []


def is_sentences(text):
    return text is not None and re.fullmatch(r"[A-Z].*\.\)?", " ".join(text.split()))


def test_texts_are_sentences():
    texts = {name: command.help for name, command in {**MAINS, **COMMANDS}.items()}
    texts |= {
        f"{name} {option.opts[0]}": option.help
        for name, command in COMMANDS.items()
        for option in command.params
        if isinstance(option, click.Option)
    }
    assert len(texts) > 100
    assert [name for name, text in texts.items() if not is_sentences(text)] == []


def test_options_of_one_name_tell_each_other_apart():
    requests, query = (
        {option.opts[0]: option.help for option in MAINS[name].params if isinstance(option, click.Option)}
        for name in ("ingest", "query")
    )
    assert {option for option in requests.keys() & query.keys() if requests[option] != query[option]} == {
        "--format",
        "--source",
    }
    for option in ("--format", "--source"):
        assert f"(In `query`, {option} " in requests[option]
        assert f"(In `ingest requests`, {option} " in query[option]


def test_a_key_of_the_configuration_means_the_same_option_in_every_job():
    others = [
        (name, option.name)
        for name, command in COMMANDS.items()
        for option in command.params
        if option.name in KEYS and option.envvar != f"SLUICE_{option.name.upper()}"
    ]
    assert others == []
    old = {"lake", "progress", "log_format", "lock_timeout", "max_rejects", "max_record_bytes", "min_age", "tables"}
    assert old <= set(KEYS)
