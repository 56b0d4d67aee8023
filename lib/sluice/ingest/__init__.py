"""Files into a table: plan, read, refuse, classify, commit; and files with rejects read again (`replay`).

Columns that begin with an underscore are Sluice's own and never stored. Those that cross modules, each with its type,
who adds it → who drops it:

_file         int        the reader: the file's number in the run → classify
_position     bigint     the reader: byte offset; null for a file that cannot be read as a whole → classify
_raw          string     the reader: the record's text → Read.rows
_reason       string     the reader, conform: why the record is not a row; null for a row → Read.rows
_high, _low   bigint     occurrences.spread: hash of a record without an id → occurrences.numbered
_superseded   boolean    dedupe, occurrences: another row of the key or snapshot wins → classify
_deletes      boolean    classify: the row deletes its key → classify
_buried       struct     ledger.deletes: the key's last delete → commit, which needs it for what it remembers
_read_at      timestamp  classify: when a replayed file was read first (UTC) → commit: its rows deleted then
_read_by      array      classify: the readings of a replayed file since → classify
_outcome      string     classify: what becomes of the row → commit
_gone         boolean    commit, aggregate: the row's key is to be removed → lake.merge, lake.merge_groups
"""
