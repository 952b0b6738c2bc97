"""DuckDB: exact distinct users per minute of a file of JSON frames, on two threads.

usage: duckdb-count.py FILE

Only the two columns asked for are taken out of a frame; no schema is guessed. The order of rows in
the file does not matter to a count, so DuckDB need not keep it.
"""

import sys

import duckdb

db = duckdb.connect(config={"threads": 2, "preserve_insertion_order": False})
rows = db.execute(
    """
    select ts // 60 * 60 as minute, count(distinct uid)
    from read_json(?, format = 'newline_delimited', columns = {ts: 'BIGINT', uid: 'VARCHAR'})
    group by minute order by minute
    """,
    [sys.argv[1]],
).fetchall()
for minute, users in rows:
    print(f'{{"ts":{minute},"cnt":{users}}}')
