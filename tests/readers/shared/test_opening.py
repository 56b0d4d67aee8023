"""Files opened on the driver."""

from __future__ import annotations

import subprocess
import sys

WAITS = """
import signal, threading, time
from sluice.readers.shared.opening import open_each

class Ended(BaseException):
    pass

def end(number, frame):
    raise Ended

def open_one(file):
    signal.pthread_kill(threading.get_ident(), signal.SIGTERM)
    time.sleep(600)

signal.signal(signal.SIGTERM, end)
try:
    open_each([1], open_one)
except Ended:
    print("ended", flush=True)
"""


def test_a_signal_ends_a_run_though_a_file_does_not_open():
    """The signal interrupts no wait of the main thread, as one that comes just before a wait."""
    ended = subprocess.run([sys.executable, "-c", WAITS], stdout=subprocess.PIPE, text=True, timeout=30)
    assert (ended.returncode, ended.stdout) == (0, "ended\n")
