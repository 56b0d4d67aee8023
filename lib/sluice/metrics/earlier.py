"""What the file of metrics held before: when the runs of its command last succeeded."""

from __future__ import annotations

from pathlib import Path

from prometheus_client.parser import text_string_to_metric_families

from sluice.metrics.families import LAST_SUCCESS


def successes_in(file: Path) -> dict[tuple[str, str], float]:
    """Job and table → when a run of them last succeeded; nothing if there is no such file, or it is another's."""
    try:
        text = file.read_text(encoding="utf-8", errors="replace")
        families = list(text_string_to_metric_families(text))
    except (OSError, ValueError):
        return {}
    samples = [sample for family in families for sample in family.samples if sample.name == LAST_SUCCESS]
    return {(each.labels.get("sluice_job", ""), each.labels.get("table", "")): each.value for each in samples}
