"""Python: a loop with orjson and a set for each minute.

usage: orjson-count.py FILE
"""

import sys
from collections import defaultdict

import orjson

minutes = defaultdict(set)
with open(sys.argv[1], "rb") as lines:
    for line in lines:
        frame = orjson.loads(line)
        minutes[frame["ts"] // 60 * 60].add(frame["uid"])
for minute, users in sorted(minutes.items()):
    print(f'{{"ts":{minute},"cnt":{len(users)}}}')
