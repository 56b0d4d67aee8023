"""How the server starts, where it may listen, what it never tells, and how it ends."""

from __future__ import annotations

import json
import signal
import socket
import subprocess
import sys
from concurrent.futures import ThreadPoolExecutor

import httpx
import psycopg2
import pytest
from conftest import PROJECT, run_job
from exported import export
from processes import command_lines, family, finished, job_pythons, read_until, wait_for
from serving import TOKEN


def refused(*arguments):
    """The exit code and the one line of a server that does not start."""
    outcome = run_job("serve", *arguments)
    [line] = outcome.stderr.splitlines()
    assert outcome.report["error"] == line.removeprefix("serve: ")
    return outcome.exit_code, line


@pytest.mark.parametrize("address", ["0.0.0.0", "::", "192.0.2.1", "example.org", ""])
def test_it_listens_elsewhere_than_at_loopback_only_with_a_token(lake, address, monkeypatch):
    monkeypatch.delenv("SLUICE_TOKEN", raising=False)
    line = f"serve: --bind {address}: other machines reach this address: set SLUICE_TOKEN to what those who write must "
    assert refused("--bind", address) == (2, f"{line}show")


@pytest.mark.parametrize("token", ["short", "x" * 15, "with blanks in it, many", "ä" * 20, "line\nfeed" * 3])
def test_a_token_that_is_none_is_refused_and_not_told(lake, token, monkeypatch):
    monkeypatch.setenv("SLUICE_TOKEN", token)
    code, line = refused()
    assert (code, line.startswith("serve: SLUICE_TOKEN: use at least 16 ")) == (2, True)
    assert token not in line


def test_an_address_that_is_taken_is_named(lake):
    with socket.create_server(("127.0.0.1", 0)) as other:
        port = other.getsockname()[1]
        code, line = refused("--port", port)
        assert code == 2
        message = "cannot listen there (Address already in use): choose another"
        assert line == f"serve: --bind 127.0.0.1 --port {port}: {message}"


def test_a_database_that_is_not_there_is_told_without_its_password(lake, monkeypatch):
    monkeypatch.setenv("SLUICE_DATABASE_URL", "postgresql://me:hidden@127.0.0.1:1/db")
    code, line = refused("--port", 0)
    assert (code, line.startswith("serve: PostgreSQL cannot be reached: ")) == (6, True)
    assert "hidden" not in line
    monkeypatch.setenv("SLUICE_DATABASE_URL", "postgresql://me:hidden@example.org/db?require_auth=scram-sha-256")
    assert refused("--port", 0) == (
        6,
        "serve: require_auth=scram-sha-256: the driver of this job cannot hold example.org to it: leave it out, and "
        "verify the server by sslmode=verify-full",
    )


def test_a_schema_that_is_not_there_is_named(lake, database):
    message = 'serve: PostgreSQL: schema "nowhere" does not exist: create it, or choose another --schema'
    assert refused("--port", 0, "--schema", "nowhere") == (6, message)


def test_a_package_that_is_not_installed_is_named(lake, monkeypatch):
    monkeypatch.setitem(sys.modules, "uvicorn", None)
    monkeypatch.delitem(sys.modules, "sluice.serve.run", raising=False)
    assert refused() == (2, "serve: package uvicorn is not installed: pip install 'sluice[serve]'")


def test_it_loads_neither_pyspark_nor_delta():
    code = "import sys, runpy, sluice.serve.app, sluice.serve.run\nrunpy.run_path('jobs/serve.py')\nprint(*sys.modules)"
    environment = {"PYTHONPATH": str(PROJECT / "lib")}
    done = subprocess.run(
        [sys.executable, "-c", code], cwd=PROJECT, env=environment, capture_output=True, text=True, check=True
    )
    assert {"pyspark", "delta"} & {name.split(".")[0] for name in done.stdout.split()} == set()


def test_open_requests_are_answered_before_it_ends(serve, database, postgres_url):
    export(postgres_url, "top_scores", [(1, "a", 1)])
    locker = psycopg2.connect(postgres_url)
    locker.cursor().execute("LOCK fresh.top_scores")
    with serve("--request-timeout", "8") as server, ThreadPoolExecutor() as pool:
        answer = pool.submit(server.client.get, "/scores")
        wait_for(lambda: database("SELECT pid FROM pg_locks WHERE NOT granted"), 10)
        server.process.send_signal(signal.SIGTERM)

        def refuses():
            with socket.socket() as other:
                return other.connect_ex(("127.0.0.1", server.client.base_url.port))

        wait_for(refuses, 10)
        assert server.process.poll() is None
        locker.close()
        assert answer.result().status_code == 200
        code, out, err = finished(server.process, 20)
    assert (code, json.loads(out)["status"]) == (0, "succeeded")
    assert err.splitlines()[-1].partition(" ")[2].startswith("serve: succeeded; ")
    assert "Traceback" not in err


def test_through_the_wrapper_lines_are_its_own_and_secrets_are_in_none(submit, database, postgres_url):
    process = submit("serve", "--port", 0, "--log-format", "json", SLUICE_TOKEN=TOKEN, SLUICE_KEEP_WARM="0.2")
    lines = read_until(process, "listening on http")
    address = json.loads(lines.splitlines()[-1])["message"].removeprefix("listening on ")
    headers = {"Authorization": f"Bearer {TOKEN}x"}
    for path in ("/healthz", "/tables", "/nothing"):
        httpx.get(f"{address}{path}", headers=headers)
    shown = command_lines(family(process))
    assert len(job_pythons(process)) == 1  # not in a process that stays for other jobs
    process.send_signal(signal.SIGTERM)
    code, out, err = finished(process, 30)
    assert (code, json.loads(out)["job"]) == (0, "serve")
    assert [json.loads(line)["job"] for line in (lines + err).splitlines()] == ["serve"] * len(
        (lines + err).splitlines()
    )
    password = psycopg2.extensions.parse_dsn(postgres_url)["password"]
    for secret in (TOKEN, password):
        assert secret not in lines + err + out + shown
