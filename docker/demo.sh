#!/usr/bin/env bash
# The main job on 500,000 generated products, from files to PostgreSQL: demo.sh DATA LAKE.
set -euo pipefail
cd "$(dirname "$0")/.."
data=$1 lake=$2
file=$data/products.csv
[ -f "$file" ] || ./spark-submit.sh generate products --rows 500000 --output "$file" >/dev/null
./spark-submit.sh run products "$file" --lake "$lake"
.venv/bin/python - >&2 <<'PYTHON'
import psycopg2
from sluice import postgres
with psycopg2.connect(postgres.url(lambda message: None)) as connection, connection.cursor() as cursor:
    cursor.execute("SELECT no_of_products, name FROM products_agg ORDER BY no_of_products DESC, name LIMIT 5")
    print("the most frequent names, from PostgreSQL:")
    for count, name in cursor:
        print(f"{count:6}  {name}")
PYTHON
cat >&2 <<NEXT
try next:
  ./spark-submit.sh run products $file --lake $lake         # nothing is new: answered within a second
  ./spark-submit.sh ingest products $file --lake $lake --reprocess
  ./spark-submit.sh aggregate products --by name,description --lake $lake
  make stop-postgres
NEXT
