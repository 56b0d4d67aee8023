"""A Spark cluster of one master and two workers on this machine, in processes that know nothing of the project."""

from __future__ import annotations

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
        command = ["java", "-cp", f"{SPARK_HOME}/jars/*", "-Xmx256m", main, *arguments]
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
        return [jvm for worker in self.workers for jvm in jvms(worker)]

    def stop(self) -> None:
        for process in reversed(self._processes):
            for child in psutil.Process(process.pid).children(recursive=True) if process.poll() is None else ():
                with suppress(psutil.NoSuchProcess):
                    child.kill()
            process.kill()
            process.wait()
