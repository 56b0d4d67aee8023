"""What jobs get to do and what their ends mean, with a real queue and jobs that end as the test says."""

from __future__ import annotations

import asyncio
from collections.abc import Callable

import asyncpg
import pytest
from sluice.serve.address import for_asyncpg
from sluice.serve.database import Database
from sluice.serve.dispatcher import Dispatcher
from sluice.serve.events import Events
from sluice.serve.job_process import JobEnd
from sluice.serve.queue import Queue
from sluice.serve.upload import Upload, new_run_id


class Jobs:
    """Jobs that end as `ends` says of the names of their uploads; `ran` has these names."""

    def __init__(self, ends: Callable[[list[str]], int]) -> None:
        self._ends, self.ran = ends, []

    async def run(self, batch, tell):
        names = [upload.name for upload in batch.uploads]
        assert batch.run_id == batch.uploads[0].run_id
        self.ran.append(names)
        await asyncio.sleep(0.05)
        code = self._ends(names)
        return JobEnd(code, {"run_id": batch.run_id, "status": "failed" if code else "succeeded"}, "the last line")

    def stop(self):
        pass


@pytest.fixture
def dispatched(database, postgres_url):
    """Runs what `act` does with a queue while jobs run, until no upload is open; gives the uploads by name."""

    def run(jobs, act, lake="/a/lake", further=()):
        async def running():
            async with asyncpg.create_pool(for_asyncpg(postgres_url)) as pool:
                known = Database(pool, "fresh")
                queue = Queue(known, lake)
                async with pool.acquire() as connection:
                    await queue.prepare(connection)
                await act(queue)
                all_jobs = (jobs, *further)
                dispatchers = [Dispatcher(known, queue, each, Events(), lake, print) for each in all_jobs]
                tasks = [asyncio.create_task(dispatcher.run()) for dispatcher in dispatchers]
                async with asyncio.timeout(30), pool.acquire() as connection:
                    while await queue.waiting(connection):
                        await asyncio.sleep(0.02)
                for task, dispatcher in zip(tasks, dispatchers, strict=True):
                    await dispatcher.close()
                    task.cancel()
                await asyncio.gather(*tasks, return_exceptions=True)
                return {upload.name: upload for upload in await queue.newest(1000)}

        return asyncio.run(running())

    return run


def upload(name, table="products", **fields):
    return Upload(new_run_id(), table, name, f"/landing/{name}", **fields)


def adding(*uploads):
    async def add(queue):
        for each in uploads:
            await queue.add(each)

    return add


def test_one_job_does_all_that_waits_for_a_table(dispatched):
    jobs = Jobs(lambda names: 0)
    found = dispatched(jobs, adding(upload("a"), upload("x", "scores"), upload("b"), upload("c")))
    assert sorted(jobs.ran) == [["a", "b", "c"], ["x"]]
    assert {found[name].batch for name in "abc"} == {found["a"].run_id}
    assert {(each.state, each.exit_code, each.error) for each in found.values()} == {("done", 0, None)}
    assert found["c"].report == {"run_id": found["a"].run_id, "status": "succeeded"}


def test_uploads_of_other_options_or_alone_have_jobs_of_their_own_in_order(dispatched):
    jobs = Jobs(lambda names: 0)
    options = ("--delimiter=;",)
    dispatched(
        jobs,
        adding(
            *(upload("a"), upload("b", options=options), upload("c", options=options)),
            *(upload("d", alone=True), upload("e", alone=True), upload("f")),
        ),
    )
    assert jobs.ran == [["a"], ["b", "c"], ["d"], ["e"], ["f"]]


@pytest.mark.parametrize("code", [3, 4])
def test_one_bad_file_does_not_fail_its_neighbours(dispatched, code):
    jobs = Jobs(lambda names: code if "c" in names else 0)
    found = dispatched(jobs, adding(*map(upload, "abcde")))
    assert jobs.ran == [["a", "b", "c", "d", "e"], ["a", "b"], ["c", "d", "e"], ["c"], ["d", "e"]]
    assert {name: each.state for name, each in found.items()} == {**dict.fromkeys("abde", "done"), "c": "failed"}
    assert (found["c"].exit_code, found["c"].error) == (code, "the last line")


def test_wrong_usage_is_that_of_all(dispatched):
    jobs = Jobs(lambda names: 2)
    found = dispatched(jobs, adding(*map(upload, "ab")))
    assert jobs.ran == [["a", "b"]]
    assert {each.state for each in found.values()} == {"failed"}


@pytest.mark.parametrize("code", [1, 5, 6, -9, 143])
def test_what_may_pass_is_tried_again(dispatched, code):
    jobs = Jobs(lambda names: 0 if len(jobs.ran) > 1 else code)
    found = dispatched(jobs, adding(upload("a")))
    assert jobs.ran == [["a"], ["a"]]
    assert (found["a"].state, found["a"].exit_code) == ("done", 0)


def test_an_unexpected_failure_is_tried_once_more_then_is_one_files(dispatched):
    jobs = Jobs(lambda names: 1 if "b" in names else 0)
    found = dispatched(jobs, adding(*map(upload, "ab")))
    assert jobs.ran == [["a", "b"], ["a", "b"], ["a"], ["b"], ["b"]]
    assert {name: each.state for name, each in found.items()} == {"a": "done", "b": "failed"}


def test_what_an_earlier_server_left_is_taken_again_as_it_was(dispatched):
    first, second = upload("a"), upload("b")

    async def left(queue):
        await adding(first, second)(queue)
        await queue.take("products")
        await queue.add(upload("c"))

    jobs = Jobs(lambda names: 0)
    found = dispatched(jobs, left)
    assert jobs.ran == [["a", "b"], ["c"]]
    assert {each.state for each in found.values()} == {"done"}


def test_of_two_servers_one_runs_the_jobs(dispatched, capsys):
    jobs, others = Jobs(lambda names: 0), Jobs(lambda names: 0)
    dispatched(jobs, adding(*map(upload, "abc")), further=(others,))
    assert sorted([*jobs.ran, *others.ran]) == [["a", "b", "c"]]
    assert capsys.readouterr().out.count("another server runs the jobs") == 1


def test_lakes_in_one_schema_have_queues_of_their_own(dispatched):
    jobs, others = Jobs(lambda names: 0), Jobs(lambda names: 0)
    assert dispatched(jobs, adding(upload("a"))).keys() == {"a"}
    assert dispatched(others, adding(upload("b")), lake="/another").keys() == {"b"}
    assert (jobs.ran, others.ran) == ([["a"]], [["b"]])


def test_ids_are_in_the_order_in_which_they_are_made():
    ids = [new_run_id() for _ in range(1000)]
    assert len({*ids}) == 1000
    assert [each[:22] for each in ids] == sorted(each[:22] for each in ids)
