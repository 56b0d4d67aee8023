"""A Spark cluster of one master and two workers on this machine, in processes that know nothing of the project."""

from __future__ import annotations

import os
import subprocess
import sys
import urllib.request
from contextlib import suppress
from pathlib import Path

import psutil
from processes import wait_for

_SPARK = subprocess.run(
    [sys.executable, "-c", "import pyspark; print(pyspark.__path__[0])"], capture_output=True, text=True, check=True
).stdout.strip()


class Cluster:
    """`url` is the master's; each worker has one core. `environment`: what executors have beyond a bare one."""

    def __init__(self, folder: Path, ports: tuple[int, int], environment: dict[str, str], workers: int = 2) -> None:
        self._folder, self._processes = folder, list[subprocess.Popen]()
        self._environment = {"SPARK_HOME": _SPARK, "HOME": str(folder), "PATH": os.environ["PATH"], **environment}
        self._environment |= {"SPARK_LOCAL_IP": "127.0.0.1", "SPARK_SCALA_VERSION": "2.13"}
        port, self._page = ports
        self.url = f"spark://127.0.0.1:{port}"
        options = ("--host", "127.0.0.1", "--port", str(port), "--webui-port", str(self._page))
        self._start("org.apache.spark.deploy.master.Master", *options)
        self.workers = [self._worker(number) for number in range(workers)]
        wait_for(lambda: self._state().count('"state" : "ALIVE"') == workers)

    def _worker(self, number: int) -> subprocess.Popen:
        work = str(self._folder / f"worker{number}")
        options = ("--host", "127.0.0.1", "--cores", "1", "--memory", "1g", "--webui-port", "0", "--work-dir", work)
        return self._start("org.apache.spark.deploy.worker.Worker", *options, self.url)

    def _start(self, main: str, *arguments: str) -> subprocess.Popen:
        command = ["java", "-cp", f"{_SPARK}/jars/*", "-Xmx256m", main, *arguments]
        self._folder.mkdir(exist_ok=True)
        with open(self._folder / "log", "a") as log:
            process = subprocess.Popen(command, cwd=self._folder, env=self._environment, stdout=log, stderr=log)
        self._processes.append(process)
        return process

    def _state(self) -> str:
        with suppress(OSError), urllib.request.urlopen(f"http://127.0.0.1:{self._page}/json/") as answer:
            return answer.read().decode()
        return ""

    def executors(self) -> list[psutil.Process]:
        """The JVMs of executors that run now."""
        children = [child for worker in self.workers for child in psutil.Process(worker.pid).children(recursive=True)]
        return [child for child in children if "CoarseGrainedExecutorBackend" in " ".join(_command(child))]

    def stop(self) -> None:
        for process in reversed(self._processes):
            for child in psutil.Process(process.pid).children(recursive=True) if process.poll() is None else ():
                with suppress(psutil.NoSuchProcess):
                    child.kill()
            process.kill()
            process.wait()


def _command(process: psutil.Process) -> list[str]:
    try:
        return process.cmdline()
    except psutil.NoSuchProcess:
        return []
