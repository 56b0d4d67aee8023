"""Uploads to the real server, read by real jobs: answers, refusals, and what is left after a kill."""

from __future__ import annotations

import json
import tempfile
import threading
import time
from concurrent.futures import ThreadPoolExecutor
from contextlib import ExitStack, suppress
from pathlib import Path
from urllib.parse import urlsplit

import httpx
import psutil
import pytest
from conftest import HEADER
from processes import children, family, free_port, wait_for, warm_servers
from serving import TOKEN
from sluice.export import embedded


@pytest.fixture
def folder(monkeypatch):
    """A folder for temporary files with a short name, as a socket's path must have; what stays in it ends."""
    with tempfile.TemporaryDirectory(prefix="serve-", dir="/tmp", ignore_cleanup_errors=True) as name:
        monkeypatch.setenv("TMPDIR", name)
        yield Path(name)
        for process in warm_servers(Path(name)):
            for each in (*process.children(recursive=True), process):
                each.kill()


def ended(client, run_id):
    """The run once it has ended; the server may not be there all the while."""
    found = {}

    def has_ended():
        with suppress(httpx.TransportError):
            found.update(client.get(f"/runs/{run_id}").json())
        return found.get("state") in ("done", "failed")

    wait_for(has_ended, 120)
    return found


def events(client, run_id, **headers):
    """The events of a run, up to the last: id, name and data of each."""
    with client.stream("GET", f"/runs/{run_id}/events", headers=headers) as answer:
        assert answer.headers["content-type"].startswith("text/event-stream")
        text = "".join(answer.iter_text())
    found = []
    for block in text.split("\n\n"):
        fields = dict(line.split(": ", 1) for line in block.splitlines() if not line.startswith(":"))
        if fields:
            found.append((fields["id"], fields["event"], json.loads(fields["data"])))
    return found


@pytest.mark.slow
def test_files_and_records_become_rows(serve, folder, database):
    with serve() as server:
        client = server.client
        data = f"{HEADER}\n1,Lamp,\n2,Desk,oak\n,Chair,\n"
        sent = client.post(
            "/ingest/products", params={"max_rejects": "50%"}, files={"file": ("../../größe 1.csv", data)}
        )
        assert sent.status_code == 202
        run_id = sent.json()["run_id"]
        assert (sent.headers["location"], sent.json()["run"]) == (f"/runs/{run_id}", f"/runs/{run_id}")
        followed = events(client, run_id)
        names = [(name, next(iter(data.values()))) for _, name, data in followed if name in ("state", "step")]
        assert names[:2] == [("state", "queued"), ("state", "running")]
        assert {("step", "read"), ("step", "merge"), ("step", "aggregate"), ("step", "apply")} <= {*names}
        assert any(data.get("seconds") for _, name, data in followed if name == "step")
        _, name, run = followed[-1]
        assert (name, run) == ("end", client.get(f"/runs/{run_id}").json())
        assert (run["state"], run["exit_code"], run["batch_uploads"]) == ("done", 0, 1)
        assert run["name"] == "../../größe 1.csv"
        assert (run["rows_read"], run["rows_rejected"]) == (3, 1)
        assert run["rejects"] == [{"position": 40, "raw": ",Chair,", "reason": "sku is empty"}]
        assert Path(run["file"]).parent.name == run_id
        assert list(run["report"]["steps"][0]["seconds"]) == ["read", "keep rejects", "merge", "record"]
        assert events(client, run_id, **{"Last-Event-ID": followed[3][0]}) == followed[4:]

        # while one job runs, two uploads wait: one job reads both, the later one wins
        first = client.post("/ingest/products", params={"name": "a.csv"}, content=f"{HEADER}\n3,Rug,\n4,Bed,\n")
        wait_for(lambda: client.get(first.json()["run"]).json()["state"] == "running")
        items = [{"sku": 4, "name": "a, b", "description": None}, {"sku": "5", "name": "x"}]
        second = client.post("/ingest/products", json={"items": items})
        bad = client.post("/ingest/products", files={"file": ("bad.csv", "colour\nred\n")})
        third = client.post("/ingest/products", content=f"{HEADER}\n5,y,\n")
        for upload in (first, second, third):
            assert ended(client, upload.json()["run_id"])["state"] == "done"
        failed = ended(client, bad.json()["run_id"])
        assert (failed["state"], failed["exit_code"], failed["rows_read"]) == ("failed", 3, None)
        assert "bad.csv" in failed["error"]
        assert Path(failed["file"]).is_file()
        rows = [("1", "Lamp"), ("2", "Desk"), ("3", "Rug"), ("4", "a, b"), ("5", "y")]
        assert database("SELECT sku, name FROM products ORDER BY sku") == rows
        assert sum(row[0] for row in database("SELECT no_of_products FROM products_agg")) == 5
        listed = client.get("/runs", params={"limit": 2}).json()
        assert [row["run_id"] for row in listed["rows"]] == [third.json()["run_id"], bad.json()["run_id"]]
        older = client.get("/runs", params={"limit": 9, "after": listed["after"]}).json()
        assert [row["state"] for row in older["rows"]] == ["done"] * 3
        assert older["after"] is None
        assert len(warm_servers(folder)) == 1, "one process takes the jobs of a table"


@pytest.mark.slow
def test_scores_are_answered_for_and_cleared(serve, folder, database):
    with serve() as server:
        client = server.client
        sent = client.post("/scores", json={"items": ["a_1", "no value", "ä_2.5", "a_3"]})
        assert sent.status_code == 200
        scored = sent.json()
        assert scored.pop("run_id")
        (reject,) = scored.pop("rejects")
        assert (reject.pop("item"), reject.pop("position")) == ("no value", 1)
        assert "value" in reject.pop("reason")
        assert scored == {
            "status": "succeeded",
            "rows_read": 4,
            "rows_rejected": 1,
            "rows_duplicate": 1,
            "rows_inserted": 2,
            "rows_updated": 0,
            "rows_unchanged": 0,
            "rows_deleted": 0,
        }
        assert [row["id"] for row in client.get("/scores").json()["rows"]] == ["a", "ä"]
        cleared = client.delete("/scores")
        assert cleared.status_code == 202
        run = ended(client, cleared.json()["run_id"])
        assert (run["state"], run["report"]["rows_removed"]) == ("done", 2)
        assert client.get("/scores").json()["rows"] == []
        assert database("SELECT count(*) FROM scores") == [(0,)]


def scored_reason(client):
    """The reason of the reject, as the run has it."""
    return (
        client.get("/runs", params={"limit": 1}).json()
        and client.get(f"/runs/{client.get('/runs').json()['rows'][0]['run_id']}").json()["rejects"][0]["reason"]
    )


def test_what_cannot_be_taken_is_refused_at_once(serve, folder, tmp_path):
    limits = ("--max-upload", "1K", "--max-records", "2", "--request-timeout", "1")
    with serve(*limits) as server:
        client = server.client

        def post(path="/ingest/products", **request):
            answer = client.post(path, **request)
            assert answer.headers["content-type"] == "application/problem+json"
            document = answer.json()
            return answer.status_code, document["detail"], [error["name"] for error in document.get("errors") or []]

        code, detail, _ = post("/ingest/product", content="x")
        assert (code, detail) == (404, "unknown table 'product': did you mean 'products'?")
        assert post("/ingest/..%2Fproducts", content="x")[0] == 404
        assert post("/ingest/products%00", content="x")[0] in (404, 422)
        assert post(content="x" * 1025)[0] == 413
        assert post(content=(b"x" * 100 for _ in range(20)))[0] == 413
        assert post(json={"items": [{}, {}, {}]})[::2] == (422, ["items"])
        assert post(json={"items": "x"})[::2] == (422, ["items"])
        assert post("/scores", json={"items": ["a_1\nb_2"]})[::2] == (422, ["items.0"])
        assert post("/scores", content="not JSON")[0] == 422
        assert post(data={"a": "b"}, files={"other": ("x.csv", "1")})[::2] == (422, ["file"])
        assert post(content="x", params={"colour": "red"})[::2] == (422, ["colour"])
        assert post(content="x", params={"max_rejects": "--dry-run"})[::2] == (422, ["max_rejects"])
        assert post(content="x", params={"delimiter": "\0"})[::2] == (422, ["delimiter"])
        assert post("/ingest/processes", content="x")[::2] == (422, ["host"])
        for token in ("", "Bearer", "Bearer wrong", "Basic abc"):
            headers = {"Authorization": token}
            assert post(content="x", headers=headers)[0] == 401
            assert post("/scores", content="x", headers=headers)[0] == 401
            assert client.delete("/scores", headers=headers).status_code == 401
        assert client.get("/runs/none").status_code == 404
        assert client.get("/runs/none/events").status_code == 404

        paused = threading.Event()

        def pausing():
            yield b"x"
            paused.wait(5)
            yield b"y"

        assert post(content=pausing())[0] in (408, 503)
        assert client.get("/runs").json()["rows"] == []
        assert [path for path in (tmp_path / ".sluice" / "landing").rglob("*") if path.is_file()] == []


def small_file(number):
    """A file of three products of its own, and one that all files have."""
    own = "".join(f"{number}-{n},name {n},\n" for n in range(3))
    return f"{HEADER}\n{own}all,{number},\n"


class Sender:
    """Sends files to a server that may be killed meanwhile, as a careful client: again what got no answer."""

    def __init__(self, address):
        self._address = address
        self.run_ids = {}

    def send(self, numbers):
        with httpx.Client(base_url=self._address, headers={"Authorization": f"Bearer {TOKEN}"}, timeout=60) as client:
            for number in numbers:
                while number not in self.run_ids:
                    self._try(client, number)

    def _try(self, client, number):
        try:
            answer = client.post("/ingest/products", files={"file": (f"{number}.csv", small_file(number))})
        except httpx.TransportError:
            time.sleep(0.1)
            return
        assert answer.status_code in (202, 503), answer.text
        if answer.status_code == 202:
            self.run_ids[number] = answer.json()["run_id"]


def check_all_are_there_once(client, sender, count, database, rows):
    """None of the files that were answered is lost, and none was read twice."""
    runs = {number: ended(client, run_id) for number, run_id in sender.run_ids.items()}
    assert {run["state"] for run in runs.values()} == {"done"}
    assert {run["rows_read"] for run in runs.values()} == {4}
    assert len(runs) == count
    expected = sorted([("all",), *((f"{number}-{n}",) for number in range(count) for n in range(3))], key=repr)
    assert sorted(database("SELECT sku FROM products"), key=repr) == expected
    assert rows("products", "sku") == expected
    files = [file for (file,) in rows("ingested_files", "file")]
    assert len(files) == len(set(files))
    assert {Path(run["file"]).as_uri() for run in runs.values()} <= set(files)


def kill_the_job(folder):
    """Kills a job's process, and the JVM that it has started, as soon as there is one."""
    wait_for(lambda: any(process.children() for process in warm_servers(folder)))
    for process in warm_servers(folder):
        for each in (*process.children(recursive=True), process):
            each.kill()


def runs_a_job(server):
    return children(server.process, lambda child: "spark-submit.sh" in " ".join(child.cmdline()))


def test_none_is_lost_and_none_is_twice_if_the_machine_fails(serve, folder, database, rows):
    port = free_port()
    with serve("--port", port) as server:
        sender = Sender(server.client.base_url)
        sender.send(range(15))
        wait_for(lambda: runs_a_job(server))
        for process in family(server.process):
            with suppress(psutil.NoSuchProcess):
                process.kill()
    with serve("--port", port) as server:
        sender.send(range(15, 20))
        check_all_are_there_once(server.client, sender, 20, database, rows)


@pytest.fixture
def own_postgres():
    """A PostgreSQL that the test may stop: its folder and URL."""
    with tempfile.TemporaryDirectory(prefix="sluice-postgres-") as name:
        url, _ = embedded.start(Path(name))
        yield Path(name), url
        embedded.stop(Path(name))


@pytest.mark.slow
def test_the_database_may_be_away_for_a_while(serve, folder, own_postgres):
    place, url = own_postgres
    with serve(SLUICE_DATABASE_URL=url, SLUICE_SCHEMA="public") as server:
        client = server.client

        def upload(number):
            return client.post("/ingest/products", files={"file": ("a.csv", small_file(number))})

        first = upload(1).json()["run_id"]
        assert ended(client, first)["state"] == "done"
        embedded.stop(place)
        refused = upload(2)
        assert (refused.status_code, refused.headers["content-type"]) == (503, "application/problem+json")
        assert "PostgreSQL cannot be reached" in refused.json()["detail"]
        start_again(place, url)
        second = upload(3).json()["run_id"]
        assert ended(client, second)["state"] == "done"

        third = upload(4).json()["run_id"]
        wait_for(lambda: client.get(f"/runs/{third}").json().get("state") == "running")
        embedded.stop(place)  # while its job runs, which then cannot export
        time.sleep(5)
        start_again(place, url)
        assert ended(client, third)["state"] == "done"
        products = client.get("/products", params={"limit": 1000}).json()["rows"]
        assert {row["sku"] for row in products} == {"all", *(f"{m}-{n}" for m in (1, 3, 4) for n in range(3))}


def start_again(place, url):
    """Starts the embedded PostgreSQL at the port that it had."""
    options = f"-h 127.0.0.1 -p {urlsplit(url).port} -k ''"
    embedded._run(place, "pg_ctl", "-w", "-o", options, "-l", place / "log", "start")


@pytest.mark.slow
def test_a_thousand_uploads_across_kills_of_the_server_and_of_jobs(serve, folder, database, rows):
    port, count = free_port(), 1000
    with ExitStack() as ending:
        with serve("--port", port) as server:
            sender = Sender(server.client.base_url)
            senders = ending.enter_context(ThreadPoolExecutor(8))
            sending = [senders.submit(sender.send, range(first, count, 8)) for first in range(8)]
            wait_for(lambda: len(sender.run_ids) > 100 and runs_a_job(server))
            server.process.kill()
        for killed_at in (300, 500):
            with serve("--port", port) as server:
                wait_for(lambda: len(sender.run_ids) > killed_at)  # noqa: B023
                kill_the_job(folder)
                server.process.kill()
        with serve("--port", port) as server:
            wait_for(lambda: len(sender.run_ids) > 700)
            kill_the_job(folder)
            for each in sending:
                each.result()
            check_all_are_there_once(server.client, sender, count, database, rows)
