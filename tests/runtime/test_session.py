"""What libraries would print beside the job's own lines."""

from __future__ import annotations

import logging
import socketserver

from pyspark.accumulators import AccumulatorTCPServer
from sluice.runtime import session


def test_of_a_jvm_that_died_the_job_alone_tells(caplog, capfd):
    session.quieten()
    of_py4j = {"pathname": "/x/py4j/java_gateway.py", "levelno": logging.ERROR, "msg": "lost"}
    logging.getLogger().handle(logging.makeLogRecord(of_py4j))  # it logs by the root too
    logging.getLogger("py4j.clientserver").error("lost")
    AccumulatorTCPServer.handle_error(socketserver.BaseServer(("", 0), None), None, None)
    logging.getLogger().error("another's")
    assert [record.getMessage() for record in caplog.records] == ["another's"]
    assert capfd.readouterr().err == ""
