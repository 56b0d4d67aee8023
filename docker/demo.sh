#!/usr/bin/env bash
# The main job on generated data of all kinds, from files to PostgreSQL: demo.sh DATA LAKE. The numbers of a kind are
# shown as soon as they are there, before the next kind begins.
set -euo pipefail
cd "$(dirname "$0")/.."
data=$1 lake=$2
job() { ./spark-submit.sh "$@"; }
generated() { [ -e "$data/$2" ] || job generate "$1" --rows "$3" --output "$data/$2" >/dev/null; } # KIND FILE ROWS
shown() { job query "$@" --lake "$lake" --progress none >&2; }
from_postgres() { # TEXT SQL FORMAT
    .venv/bin/python - "$@" >&2 <<'PYTHON'
import sys

import psycopg2
from sluice.export.connection import database_url

title, statement, line = sys.argv[1:]
with psycopg2.connect(database_url(lambda message: None)) as connection, connection.cursor() as cursor:
    cursor.execute(statement)
    print(title)
    for row in cursor:
        print(line.format(*row))
PYTHON
}

generated products products.csv 500000
job run products "$data/products.csv" --lake "$lake"
from_postgres "the most frequent names, from PostgreSQL:" \
    "SELECT no_of_products, name FROM products_agg ORDER BY no_of_products DESC, name LIMIT 5" "{:6}  {}"

generated requests requests.log 200000
job run requests "$data/requests.log" --lake "$lake"
from_postgres "the customers served worst on 2024-10-15 (requests, seconds at p50 and p99, uptime), from PostgreSQL:" \
    "SELECT customer_id, success_requests + failed_requests, duration_p50, duration_p99, uptime_percentage
     FROM resource_statistics_by_day WHERE date = '2024-10-15' ORDER BY uptime_percentage LIMIT 5" \
    "{:>8} {:6}  {:.3f}  {:.3f}  {:.2f} %"

generated processes snapshots 20000
if command -v ps >/dev/null; then
    job generate processes --this-machine --output "$data/snapshots" >/dev/null
else
    echo "no ps here: the processes of this machine are left out" >&2
fi
job run processes "$data/snapshots" --lake "$lake"
echo "the processes that were busiest, by host:" >&2
shown processes --by host,name --metric mean:cpu_percent,max:resident_bytes --top 5

generated scores scores.txt 200000
job run scores "$data/scores.txt" --lake "$lake"
echo "the highest scores:" >&2
shown scores --top 5

cat >&2 <<NEXT
try next:
  ./spark-submit.sh run products $data/products.csv --lake $lake         # nothing is new: answered within a second
  ./spark-submit.sh ingest products $data/products.csv --lake $lake --reprocess
  ./spark-submit.sh aggregate products --by name,description --lake $lake
  make stop-postgres
NEXT
