"""Small tables compact themselves: every run adds files to them, which are joined now and then."""

from __future__ import annotations

from deltalake import CommitProperties, DeltaTable

MANY = 32  # small files: compacted so rarely that it costs a run next to nothing, so often that reading stays quick
FILE_BYTES = 16 * 1024 * 1024  # small enough to be rewritten by every run that updates a row in it
KEEP_HOURS = 24  # a reader of an older version is done long before

_PROPERTIES = {
    # every run commits a few times: what a reader replays is the log since the last checkpoint
    "delta.checkpointInterval": "10",
    "delta.logRetentionDuration": "interval 1 days",
    "delta.deletedFileRetentionDuration": "interval 1 days",
}


def compact_if_many(delta: DeltaTable, properties: CommitProperties) -> None:
    """Joins a table's small files if they are many, and deletes files replaced long ago. The caller holds its lock."""
    sizes = delta.get_add_actions().column("size_bytes").to_pylist()
    if sum(size < FILE_BYTES // 2 for size in sizes) <= MANY:
        return
    if not _PROPERTIES.items() <= delta.metadata().configuration.items():
        delta.alter.set_table_properties(_PROPERTIES, commit_properties=properties)
    delta.optimize.compact(target_size=FILE_BYTES, commit_properties=properties)
    delta.vacuum(retention_hours=KEEP_HOURS, dry_run=False, full=True, commit_properties=properties)
