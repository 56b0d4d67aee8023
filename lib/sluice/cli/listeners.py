"""Who gets a run's report once it has ended."""

from __future__ import annotations

from collections.abc import Sequence

from sluice.runtime.exit import Listener
from sluice.runtime.report import Report


def listeners(metrics_file: str | None, lake: str, tables: str) -> Sequence[Listener]:
    """Those that the options of all jobs ask for. `tables` is the folder of declarations."""
    if not metrics_file:
        return ()

    def write(report: Report, _: BaseException | None) -> None:
        from sluice.metrics.write import write_metrics  # loads prometheus-client

        write_metrics(metrics_file, report, lake, tables)

    return (Listener(f"--metrics-file {metrics_file}", write),)
