"""The commands of README.md and docs/ run, and print what the documents show; what else they name exists."""

from __future__ import annotations

import doctest
import os
import re
import runpy
import shlex
import subprocess
from collections.abc import Callable, Iterator
from json import dumps
from pathlib import Path
from typing import NamedTuple

import click
import pytest
from conftest import PROJECT, Outcome
from processes import free_port, job_environment, kill, read_until
from sluice import errors
from sluice.catalog.catalog import BUILT_IN

JOBS = {path.stem: path for path in (PROJECT / "jobs").glob("*.py")}
DOCUMENTS = {str(path.relative_to(PROJECT)): path.read_text() for path in PROJECT.glob("*.md")}
DOCUMENTS |= {str(path.relative_to(PROJECT)): path.read_text() for path in (PROJECT / "docs").glob("*.md")}
SUBMIT = "./spark-submit.sh "
BACKGROUND = " &"  # ends the command of a server
PORT = "8000"  # of servers in documents; tests replace it


class Example(NamedTuple):
    """A command of a `console` block: `$ COMMAND`, with `# exit N` behind it if that is not 0, and its output below."""

    command: str
    exit_code: int
    shown: str


def examples(text: str) -> Iterator[Example]:
    for block in re.findall(r"^```console\n(.*?)^```", text, re.DOTALL | re.MULTILINE):
        assert block.startswith("$ "), block
        for part in re.split(r"^\$ ", block, flags=re.MULTILINE)[1:]:
            line, _, shown = part.partition("\n")
            command, _, exit_code = line.partition("  # exit ")
            yield Example(command, int(exit_code or 0), shown.removesuffix("\n"))


def declarations(text: str) -> list[tuple[str, str]]:
    """The `toml` blocks that begin with the comment `# PATH`: path and text."""
    return re.findall(r"^```toml\n# (\S+\.toml)\n(.*?)^```", text, re.DOTALL | re.MULTILINE)


def write_declarations(name: str, folder: Path) -> None:
    for path, text in declarations(DOCUMENTS[name]):
        (folder / path).parent.mkdir(exist_ok=True)
        (folder / path).write_text(text)


def run_python(name: str) -> None:
    """Runs the `pycon` blocks of a document in their order, and compares what they print; `…` is any text."""
    blocks = re.findall(r"^```pycon\n(.*?)^```", DOCUMENTS[name], re.DOTALL | re.MULTILINE)
    text = "\n".join(blocks).replace("…", "...")
    printed: list[str] = []
    flags = doctest.ELLIPSIS | doctest.NORMALIZE_WHITESPACE
    runner = doctest.DocTestRunner(optionflags=flags)
    runner.run(doctest.DocTestParser().get_doctest(text, {}, name, None, None), out=printed.append)
    assert runner.summarize(verbose=False).failed == 0, "".join(printed)


def pattern(shown: str) -> str:
    """Output as a regular expression: `…` is any text of a line, a line of `…` alone any lines."""
    lines = [r"(?:.*\n)*?" if line == "…" else line_pattern(line) + r"\n" for line in shown.splitlines()]
    return "^" + "".join(lines)


def line_pattern(line: str) -> str:
    return ".*?".join(map(re.escape, line.split("…")))


def printed(outcome: Outcome) -> str:
    """What a terminal shows of a job: messages, the report or answer, the outcome."""
    *messages, last = outcome.stderr.splitlines()
    report = outcome.answer.rstrip("\n") or dumps(outcome.report, ensure_ascii=False)
    return "".join(f"{line}\n" for line in (*messages, report, last))


@pytest.fixture
def server() -> Iterator[Callable[[str], None]]:
    """Starts the server of a command; at the end it is killed."""
    started = []

    def start(command: str) -> None:
        shell = ["bash", "-c", command.removesuffix(BACKGROUND).replace("./", f"{PROJECT}/")]
        process = subprocess.Popen(
            shell,
            stderr=subprocess.PIPE,
            text=True,
            env=job_environment() | {"SLUICE_KEEP_WARM": "1"},
            start_new_session=True,
        )
        started.append(process)
        read_until(process, "listening on")

    yield start
    for process in started:
        kill(process)


RUN_BY_TEST = sorted(name for name, text in DOCUMENTS.items() if any(examples(text)))


def test_the_commands_of_all_documents_are_understood(tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    for name in RUN_BY_TEST:
        write_declarations(name, tmp_path)
        for command, exit_code, _ in examples(DOCUMENTS[name]):
            if not command.startswith(SUBMIT):
                continue
            job, *arguments = shlex.split(command.removeprefix(SUBMIT).removesuffix(BACKGROUND))
            if exit_code != errors.UsageError.exit_code:
                understand(runpy.run_path(str(JOBS[job]))["main"], arguments)


def understand(command: click.Command, arguments: list[str]) -> None:
    """Raises what click says of arguments that the command, or one of its own, does not take."""
    with command.make_context(command.name, list(arguments)) as context:
        if isinstance(command, click.Group):
            _, inner, rest = command.resolve_command(context, [*context._protected_args, *context.args])
            assert inner is not None
            understand(inner, rest)


SLOW = [pytest.param(name, marks=pytest.mark.slow) for name in RUN_BY_TEST if name != "README.md"]


@pytest.mark.parametrize("name", ["README.md", *SLOW])
def test_the_commands_in_their_order(name, job, server, database, tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    write_declarations(name, tmp_path)
    for command, exit_code, shown in examples(DOCUMENTS[name].replace(PORT, str(free_port()))):
        if command.endswith(BACKGROUND):
            server(command)
            continue
        if not command.startswith(SUBMIT):
            done = subprocess.run(["bash", "-c", command], check=True, stdout=subprocess.PIPE, text=True)
            assert re.search(pattern(shown), f"{done.stdout}\n", re.MULTILINE), f"{command}\n{done.stdout}"
            continue
        outcome = job(*shlex.split(command.removeprefix(SUBMIT)))
        assert outcome.exit_code == exit_code, (command, outcome.stderr)
        found = re.search(pattern(shown), printed(outcome), re.MULTILINE)
        assert found is not None, f"{command}\n{shown}\nis not in\n{printed(outcome)}"
    for variable in ("SPARK_SUBMIT_OPTS", "SPARK_CONF_DIR"):  # of this process's session, not of jobs' own
        monkeypatch.delenv(variable)
    monkeypatch.setenv("PGOPTIONS", "-c search_path=fresh")  # the schema that the fixture `database` lets jobs write to
    run_python(name)


def test_every_job_has_an_example_in_the_readme():
    commands = [example.command for example in examples(DOCUMENTS["README.md"])]
    assert {command.split()[1] for command in commands if command.startswith(SUBMIT)} == JOBS.keys()
    headings = re.findall("^### (.*)$", DOCUMENTS["README.md"], re.MULTILINE)
    assert {job for heading in headings for job in heading.split(", ")} == JOBS.keys()


def options(command: click.Command) -> set[str]:
    own = {name for parameter in command.params for name in (*parameter.opts, *parameter.secondary_opts)}
    return own.union(*(options(each) for each in getattr(command, "commands", {}).values()))


def test_every_option_named_exists():
    known = set().union(*(options(runpy.run_path(str(path))["main"]) for path in JOBS.values()))
    known |= {"--help", "--master", "--conf", "--driver-memory"}
    for name in RUN_BY_TEST:
        assert set(re.findall(r"(?<![\w-])--[a-z][a-z-]*", DOCUMENTS[name])) - known == set(), name


def test_every_link_leads_somewhere():
    for name, text in DOCUMENTS.items():
        for target in re.findall(r"\]\(([^)\s]+)\)", text):
            path, _, anchor = target.partition("#")
            if "://" in target:
                continue
            linked = os.path.normpath(os.path.join(os.path.dirname(name), path)) if path else name
            assert (PROJECT / linked).exists(), f"{name}: {target}"
            if anchor:
                headings = re.findall("^#+ (.*)$", DOCUMENTS[linked], re.MULTILINE)
                assert anchor in [heading.lower().replace(" ", "-") for heading in headings], f"{name}: {target}"


def test_every_exit_code_is_explained():
    kinds = errors.SluiceError.__subclasses__()
    codes = {0, errors.SluiceError.exit_code, 130, 143, *(kind.exit_code for kind in kinds)}
    rows = re.findall(r"^\| ([\d, ]+) \|", DOCUMENTS["docs/running.md"], re.MULTILINE)
    assert {int(code) for row in rows for code in row.split(",")} == codes


def test_every_built_in_table_and_aggregate_is_named():
    text = "".join(DOCUMENTS.values())
    for table in BUILT_IN.values():
        for name in (table.name, *table.key, *(aggregate.name for aggregate in table.aggregates)):
            assert f"`{name}`" in text, name
