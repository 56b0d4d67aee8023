"""What a run reads and writes, as OpenLineage's datasets: files, Delta tables, tables of PostgreSQL.

They are named as https://openlineage.io/docs/spec/naming says.
"""

from __future__ import annotations

import os
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any
from urllib.parse import unquote_to_bytes, urlsplit

from openlineage.client.event_v2 import InputDataset, OutputDataset
from openlineage.client.facet_v2 import (
    DatasetFacet,
    InputDatasetFacet,
    dataset_version_dataset,
    input_statistics_input_dataset,
    lifecycle_state_change_dataset,
    output_statistics_output_dataset,
    schema_dataset,
)

from sluice.export.target import postgres_type
from sluice.files.s3.client import is_on_s3, split
from sluice.lake import log
from sluice.lake.opened import uri_of
from sluice.ledger.ingested_files import counted_of_run
from sluice.runtime.log_lines import printable
from sluice.runtime.report import Report

MOST_FILES = 1000  # that are named one by one
_Change = lifecycle_state_change_dataset.LifecycleStateChange
_InputStatistics = input_statistics_input_dataset.InputStatisticsInputDatasetFacet
_OutputStatistics = output_statistics_output_dataset.OutputStatisticsOutputDatasetFacet


@dataclass(frozen=True)
class Work:
    """What a recorded run of a job does on a table, whose version was `before` (None: it did not exist).

    `arguments`: as the table `runs` has them.
    """

    lake: str
    report: Report
    arguments: Mapping[str, Any]
    before: int | None

    @classmethod
    def begun(cls, lake: str, report: Report, arguments: Mapping[str, Any]) -> Work:
        assert report.table is not None
        return cls(lake, report, arguments, log.version(lake, report.table))

    def inputs(self, *, done: bool) -> list[InputDataset]:
        """What is read; once that is `done`, with its size."""
        if "files" in self.arguments:
            return self._files(done)
        if self.report.job == "aggregate":
            built = log.built_on(self.lake, self._table) if done else None
            return [self._read_table(self.arguments["table"], built["version"] if built else None)]
        if self.report.job == "export":
            return [self._read_table(self._table, self.report.table_version if done else None)]
        return []

    def outputs(self, *, done: bool) -> list[OutputDataset]:
        """What is written; once that is `done`, with its schema, version and size."""
        if self.report.job == "export":
            return [self._exported(done)]
        name = dataset_name(uri_of(self.lake, self._table))
        if not done:
            return [OutputDataset(*name)]
        version = log.version(self.lake, self._table)
        facets = _described(log.stored(self.lake, self._table).columns, version)
        if change := self._change(version):
            facets["lifecycleStateChange"] = lifecycle_state_change_dataset.LifecycleStateChangeDatasetFacet(change)
        return [OutputDataset(*name, {"outputStatistics": self._written()}, facets=facets)]

    @property
    def _table(self) -> str:
        assert self.report.table is not None
        return self.report.table

    def _files(self, done: bool) -> list[InputDataset]:
        files = self.arguments["files"]
        if len(files) > MOST_FILES:
            return [InputDataset(*name) for name in sorted({dataset_name(os.path.dirname(uri)) for uri in files})]
        counts = counted_of_run(self.lake, self._table, self.report.run_id) if done else {}
        read: dict[str, dict[str, InputDatasetFacet]] = {
            uri: {"inputStatistics": _InputStatistics(*count)} for uri, count in counts.items()
        }
        return [InputDataset(*dataset_name(uri), read.get(uri)) for uri in files]

    def _read_table(self, table: str, version: int | None) -> InputDataset:
        name = dataset_name(uri_of(self.lake, table))
        if version is None:
            return InputDataset(*name)
        read = _InputStatistics(size=self.report.bytes_read, fileCount=self.report.files_read)
        facets = _described(log.stored(self.lake, table).columns, version)
        return InputDataset(*name, {"inputStatistics": read}, facets=facets)

    def _exported(self, done: bool) -> OutputDataset:
        server, _, database = self.arguments["database"].rpartition("/")
        name = (server, f"{database}.{self.arguments['schema']}.{self._table}")
        if not done:
            return OutputDataset(*name)
        columns = log.stored(self.lake, self._table).columns
        facets = _described({name: postgres_type(kind) for name, kind in columns.items()})
        return OutputDataset(*name, {"outputStatistics": _OutputStatistics(self._rows)}, facets=facets)

    @property
    def _rows(self) -> int | None:
        """How many rows the run has written; None of upkeep, which may write them anew."""
        if self.report.job == "aggregate":
            return self.report.groups_recomputed
        return None if self.report.job == "maintain" else self.report.rows_inserted + self.report.rows_updated

    def _written(self) -> _OutputStatistics:
        files, size = log.size_of_added(self.lake, self._table, -1 if self.before is None else self.before)
        return _OutputStatistics(self._rows, size, files)

    def _change(self, version: int | None) -> _Change | None:
        """What became of the table itself."""
        if self.before is None:
            return _Change.CREATE
        if version == self.before:
            return None
        action = self.arguments.get("action")
        if action == "clear":
            return _Change.TRUNCATE
        if action == "restore" or self.report.mode == "full":
            return _Change.OVERWRITE
        columns = [log.stored(self.lake, self._table, number).columns for number in (self.before, version)]
        return _Change.ALTER if columns[0] != columns[1] else None


def dataset_name(uri: str) -> tuple[str, str]:
    """Namespace and name of a file or a folder, by its path or URI."""
    if is_on_s3(uri):
        bucket, key = split(uri)
        return f"s3://{bucket}", printable(key)
    path = os.fsdecode(unquote_to_bytes(urlsplit(uri).path)) if uri.startswith("file:") else uri
    return "file", printable(path)


def _described(columns: Mapping[str, str], version: int | None = None) -> dict[str, DatasetFacet]:
    fields = [schema_dataset.SchemaDatasetFacetFields(name, kind) for name, kind in columns.items()]
    facets: dict[str, DatasetFacet] = {"schema": schema_dataset.SchemaDatasetFacet(fields)}
    if version is not None:
        facets["version"] = dataset_version_dataset.DatasetVersionDatasetFacet(str(version))
    return facets
