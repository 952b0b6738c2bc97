"""The canonical workloads: what headcount is asked to do, with nothing beside it. What scripts/compare compares.

File and topic, one and several partitions, large and small frames, few and very many users, one window size and
six. A name once used stays what it is, as records are compared by it.

Each answer is proved once by `headcount verify`, a second and simple method, and kept beside its stream; every
side of a job must give that answer before it is timed. A topic holds the frames of a stream.
"""

import hashlib
import json
import os
import sys
from typing import NamedTuple

from .jobs import Job, Side, Streams, said, sh, word

SIX = "--windows minute,hour,day,week,month,year"
# What each is: flags of `headcount generate`, and those that make it tiny.
STREAMS = {
    "stream": ("", "--frames 20K --rate 100"),
    "small": ("--frames 20M --frame-bytes 83", "--frames 100K --rate 500 --frame-bytes 83"),
    "few-users": ("--frames 10M --frame-bytes 83 --users 100", "--frames 50K --rate 500 --frame-bytes 83 --users 100"),
    "many-users": ("--frames 10M --frame-bytes 83 --users 10M", "--frames 50K --rate 500 --frame-bytes 83 --users 50K"),
    "topic-small": ("--frames 5M --frame-bytes 83", "--frames 50K --rate 500 --frame-bytes 83"),
}


class Work(NamedTuple):
    """One workload. `partitions`: of a topic; a file where there are none."""

    name: str
    stream: str
    flags: str = ""
    before: str = ""
    is_piped: bool = False
    partitions: int = 0


WORKLOADS = [
    Work("file, large frames", "stream"),
    Work("file, large frames, 1 core", "stream", before=f"taskset -c {min(os.sched_getaffinity(0))} "),
    Work("file, large frames, six windows", "stream", SIX),
    Work("file, small frames", "small"),
    Work("file, few users", "few-users"),
    Work("file, very many users, six windows", "many-users", SIX),
    Work("pipe, large frames", "stream", is_piped=True),
    Work("topic, 1 partition", "stream", partitions=1),
    Work("topic, 4 partitions", "stream", partitions=4),
    Work("topic, 4 partitions, small frames", "topic-small", partitions=4),
]

PAGE = """# {name}

The question: how long does headcount take for the canonical workloads?{more}

Made by `scripts/bench`; two such records are compared by `scripts/compare`. {runs} rounds after one to
warm up. Each answer was compared with one that `headcount verify` proved. Files lie in memory. The broker of
the topics runs on the same cores, and its work is in their wall times, not in their CPU times. Wall seconds
with the interval in which the median would lie 95 times in a hundred.

{table}

| file | what |
| --- | --- |
| `runs.tsv` | every run, in the order in which they were run |
| `machine.txt` | the machine sheet |

The streams, by `headcount generate`:

{streams}

The commands:

{commands}
"""

# What the page says besides where headcount is alone.
ALONE = """

A round runs each of the files' jobs once, so that the machine's drift meets all of them alike; then come the topics,
in rounds of their own."""


def names(only):
    """The workloads asked for: all, or those that have one of these texts in their names."""
    chosen = [work for work in WORKLOADS if not only or any(text in work.name for text in only)]
    if not chosen:
        sys.exit("no such workload; there are: " + "; ".join(work.name for work in WORKLOADS))
    return chosen


def jobs(works, programs, folder, is_tiny, broker=None):
    """A job for each workload, made ready as it is asked for. `programs`: a side's name -> the program."""
    oracle = list(programs.values())[-1]
    streams = Streams(folder, oracle, STREAMS, is_tiny)
    filled = {}
    for work in works:
        known = answer(work, streams, oracle)

        def is_right(output, known=known):
            return plainest(output) == known

        if work.partitions:
            input = f"--until end -b {broker} -t {topic(work, streams, oracle, broker, filled)}"
        else:
            input = "-" if work.is_piped else word(streams.file(work.stream))
        piped = f"cat {word(streams.file(work.stream))} | " if work.is_piped else ""
        sides = [
            Side(side, f"{piped}{work.before}{word(program)} count -q {work.flags} {input}".replace("  ", " "), is_right)
            for side, program in programs.items()
        ]
        yield Job(work.name, sides)


def topic(work, streams, headcount, broker, filled):
    """The topic that holds a stream, filled where it is not yet."""
    key = (work.stream, work.partitions)
    if key not in filled:
        # A broker given may have been filled before, by a run of other frames.
        filled[key] = f"bench-{os.getpid()}-{work.stream}-{work.partitions}"
        flags = f"--create --partitions {work.partitions} {streams.flags(work.stream)}"
        sh(f"{word(headcount)} generate -b {broker} -o {filled[key]} {flags}")
    return filled[key]


def plainest(results):
    """Of each result the window, its beginning and its count; the order of equal times may differ."""
    lines = map(json.loads, results.splitlines())
    return sorted([line.get("window", "minute"), line["ts"], line["cnt"]] for line in lines)


def answer(work, streams, headcount):
    """The right answer, proved where it is not kept yet."""
    file = streams.file(work.stream)
    kind = hashlib.sha256(work.flags.encode()).hexdigest()[:8]
    kept = file.with_suffix(f".{kind}.answer")
    if not kept.exists():
        results = file.with_suffix(".results")
        sh(f"{word(headcount)} count -q {work.flags} {word(file)} > {word(results)}")
        said(f"{word(headcount)} verify {work.flags} {word(results)} {word(file)} 2>&1")
        part = kept.with_suffix(".part")
        part.write_text(json.dumps(plainest(results.read_text())))
        os.replace(part, kept)
    return json.loads(kept.read_text())
