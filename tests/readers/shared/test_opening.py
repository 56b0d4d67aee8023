"""Files opened on the driver."""

from __future__ import annotations

import signal
import subprocess
import sys

WAITS = """
import signal, time
from sluice.readers.shared.opening import open_each

class Ended(BaseException):
    pass

def end(number, frame):
    raise Ended

def open_one(file):
    print("opening", flush=True)
    time.sleep(600)

signal.signal(signal.SIGTERM, end)
try:
    open_each([1], open_one)
except Ended:
    print("ended", flush=True)
"""


def test_a_signal_ends_a_run_though_a_file_does_not_open():
    with subprocess.Popen([sys.executable, "-c", WAITS], stdout=subprocess.PIPE, text=True) as process:
        assert process.stdout is not None
        assert process.stdout.readline() == "opening\n"
        process.send_signal(signal.SIGTERM)
        assert process.communicate(timeout=10)[0] == "ended\n"
        assert process.returncode == 0
