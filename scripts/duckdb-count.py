"""The same count by DuckDB: exact distinct users per minute, compared with headcount's results.

usage: duckdb-count.py LOG RESULTS

The stream must have no late frames, as DuckDB knows no lateness.
"""

import json
import sys
import time

import duckdb

log, results = sys.argv[1:]
began = time.monotonic()
rows = duckdb.execute(
    """
    select ts // 60 * 60 as minute, count(distinct uid), count(*)
    from read_json(?, format = 'newline_delimited', columns = {ts: 'BIGINT', uid: 'VARCHAR'})
    group by minute order by minute
    """,
    [log],
).fetchall()
seconds = time.monotonic() - began
with open(results) as lines:
    ours = [(r["ts"], r["cnt"], r["frames"]) for r in map(json.loads, lines)]
if rows != ours:
    sys.exit(f"DuckDB says {rows}\nheadcount says {ours}")
print(f"  {len(rows)} minutes, all the same; DuckDB {duckdb.__version__} took {seconds:.2f} s")
