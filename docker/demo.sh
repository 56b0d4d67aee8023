#!/usr/bin/env bash
# The main job on 500,000 generated products: demo.sh DATA LAKE.
set -euo pipefail
cd "$(dirname "$0")/.."
data=$1 lake=$2
file=$data/products.csv
[ -f "$file" ] || ./spark-submit.sh generate products --rows 500000 --output "$file" >/dev/null
./spark-submit.sh ingest products "$file" --lake "$lake"
./spark-submit.sh aggregate products --lake "$lake"
echo "the most frequent names:" >&2
.venv/bin/python - "$lake" >&2 <<'PYTHON'
import sys
from deltalake import DeltaTable
agg = DeltaTable(f"{sys.argv[1]}/products_agg").to_pyarrow_table()
top = agg.sort_by([("no_of_products", "descending"), ("name", "ascending")]).slice(0, 5)
for row in top.to_pylist():
    print(f"{row['no_of_products']:6}  {row['name']}")
PYTHON
echo "again, and nothing is new:  ./spark-submit.sh ingest products $file --lake $lake" >&2
