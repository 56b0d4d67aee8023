"""A Spark cluster of one master and two workers on this machine, in processes that know nothing of the project."""

from __future__ import annotations

import json
import os
import subprocess
import urllib.request
from contextlib import suppress
from pathlib import Path

import psutil
from conftest import SPARK_HOME
from processes import jvms, wait_for


class Cluster:
    """`url` is the master's; each worker has one core. `environment`: what executors have beyond a bare one."""

    def __init__(self, folder: Path, ports: tuple[int, int], environment: dict[str, str], workers: int = 2) -> None:
        self._folder, self._processes = folder, list[subprocess.Popen]()
        self._environment = {"SPARK_HOME": SPARK_HOME, "HOME": str(folder), "PATH": os.environ["PATH"], **environment}
        self._environment |= {"SPARK_LOCAL_IP": "127.0.0.1", "SPARK_SCALA_VERSION": "2.13"}
        self._environment["SPARK_LOCAL_DIRS"] = str(folder / "local")
        port, self._page = ports
        self.url = f"spark://127.0.0.1:{port}"
        options = ("--host", "127.0.0.1", "--port", str(port), "--webui-port", str(self._page))
        self._start("org.apache.spark.deploy.master.Master", *options)
        self.workers = [self._worker(number) for number in range(workers)]
        wait_for(lambda: alive_workers(self._page) == workers)

    def _worker(self, number: int) -> subprocess.Popen:
        work = str(self._folder / f"worker{number}")
        options = ("--host", "127.0.0.1", "--cores", "1", "--memory", "1g", "--webui-port", "0", "--work-dir", work)
        return self._start("org.apache.spark.deploy.worker.Worker", *options, self.url)

    def _start(self, main: str, *arguments: str) -> subprocess.Popen:
        command = ["java", "-cp", f"{SPARK_HOME}/jars/*", "-Xmx256m", main, *arguments]
        self._folder.mkdir(exist_ok=True)
        with open(self._folder / "log", "a") as log:
            process = subprocess.Popen(command, cwd=self._folder, env=self._environment, stdout=log, stderr=log)
        self._processes.append(process)
        return process

    def executors(self) -> list[psutil.Process]:
        """The JVMs of executors that run now."""
        return [jvm for worker in self.workers for jvm in jvms(worker)]

    def lose_executors(self) -> int:
        """Kills all executors at once: their tasks, what they cached and their shuffle files are gone."""
        executors = self.executors()
        for executor in executors:
            executor.kill()
        return len(executors)

    def lose_a_worker(self) -> int:
        """Kills a worker with its executors, as a machine that fails; another one takes its place later."""
        if not all(jvms(worker) for worker in self.workers):
            return 0
        lost = self.workers.pop()
        _end(lost)
        self.workers.append(self._worker(len(self._processes)))
        return 1

    def lose_shuffle_files(self) -> int:
        """Deletes the shuffle files of all executors, which live on."""
        files = [path for path in (self._folder / "local").rglob("shuffle_*") if path.is_file()]
        for path in files:
            path.unlink(missing_ok=True)
        return len(files)

    def stop(self) -> None:
        for process in reversed(self._processes):
            _end(process)


def alive_workers(page: int) -> int:
    """How many workers the master whose page is at a port knows as alive; -1 before it answers."""
    try:
        with urllib.request.urlopen(f"http://127.0.0.1:{page}/json/") as answer:
            return sum(worker["state"] == "ALIVE" for worker in json.load(answer)["workers"])
    except (OSError, ValueError):  # it listens before it has pages
        return -1


def _end(process: subprocess.Popen) -> None:
    for child in psutil.Process(process.pid).children(recursive=True) if process.poll() is None else ():
        with suppress(psutil.NoSuchProcess):
            child.kill()
    process.kill()
    process.wait()
