#!/usr/bin/env bash
# The main job on generated data of all kinds, from files to PostgreSQL: demo.sh DATA LAKE.
set -euo pipefail
cd "$(dirname "$0")/.."
data=$1 lake=$2
file=$data/products.csv
[ -f "$file" ] || ./spark-submit.sh generate products --rows 500000 --output "$file" >/dev/null
log=$data/requests.log
[ -f "$log" ] || ./spark-submit.sh generate requests --rows 200000 --output "$log" >/dev/null
snapshots=$data/snapshots
[ -d "$snapshots" ] || ./spark-submit.sh generate processes --rows 20000 --output "$snapshots" >/dev/null
if command -v ps >/dev/null; then
    ./spark-submit.sh generate processes --this-machine --output "$snapshots" >/dev/null
else
    echo "no ps here: the processes of this machine are left out" >&2
fi
scores=$data/scores.txt
[ -f "$scores" ] || ./spark-submit.sh generate scores --rows 200000 --output "$scores" >/dev/null
./spark-submit.sh run products "$file" --lake "$lake"
./spark-submit.sh run requests "$log" --lake "$lake"
./spark-submit.sh run processes "$snapshots" --lake "$lake"
./spark-submit.sh run scores "$scores" --lake "$lake"
echo "the highest scores:" >&2
./spark-submit.sh query scores --top 5 --lake "$lake" --progress none >&2
echo "the processes that were busiest, by host:" >&2
./spark-submit.sh query processes --by host,name --metric mean:cpu_percent,max:resident_bytes --top 5 --lake "$lake" --progress none >&2
.venv/bin/python - >&2 <<'PYTHON'
import psycopg2
from sluice.export.connection import database_url
with psycopg2.connect(database_url(lambda message: None)) as connection, connection.cursor() as cursor:
    cursor.execute("SELECT no_of_products, name FROM products_agg ORDER BY no_of_products DESC, name LIMIT 5")
    print("the most frequent names, from PostgreSQL:")
    for count, name in cursor:
        print(f"{count:6}  {name}")
    cursor.execute(
        "SELECT customer_id, success_requests + failed_requests, duration_p50, duration_p99, uptime_percentage "
        "FROM resource_statistics_by_day WHERE date = '2024-10-15' ORDER BY uptime_percentage LIMIT 5"
    )
    print("the customers served worst on 2024-10-15 (requests, seconds at p50 and p99, uptime):")
    for customer, requests, half, slow, uptime in cursor:
        print(f"{customer:>8} {requests:6}  {half:.3f}  {slow:.3f}  {uptime:.2f} %")
PYTHON
cat >&2 <<NEXT
try next:
  ./spark-submit.sh run products $file --lake $lake         # nothing is new: answered within a second
  ./spark-submit.sh ingest products $file --lake $lake --reprocess
  ./spark-submit.sh aggregate products --by name,description --lake $lake
  make stop-postgres
NEXT
