"""headcount on files beside its rivals: what the table in README.md is made from.

Neither stream has late or malformed frames, and that is checked: so a rival that knows no lateness
and simply counts by minute must give the same answer, byte for byte.
"""

import json
import os
import re
import shlex
import subprocess
import sys
import time
from pathlib import Path

from . import record
from .jobs import CONTENDERS, ROOT, Job, Side, Streams, said, sh, word

# Flags of `headcount generate`, and those that make it tiny (but still of several minutes).
STREAMS = {
    "stream": ("", "--frames 20K --rate 100"),
    "small": ("--frames 20M --frame-bytes 83", "--frames 100K --rate 500 --frame-bytes 83"),
}

PAGE = """# {name}

The question: where does headcount stand against `wc -l`, DuckDB, Python, sonic-rs and serde_json?

Made by `scripts/bench --set rivals`. Streams: `stream` is `headcount generate`, `small` is
`headcount generate --frames 20M --frame-bytes 83`; neither has late or malformed frames, so counting
by minute alone gives the same answer, and each answer was compared byte for byte before its times.
Page cache warm but in the job `cold`, where the file's pages were dropped before each run (what lies
under a virtual machine's disk may still hold them). {runs} rounds in turns after one to warm up; the
slow rivals take part in the first three. Wall time, medians, and of the rounds' ratios the median
(smallest–largest). A rival of one thread is compared with headcount on one core.

{table}
"""
PAGE += record.END


def build(is_quick):
    """Builds the rivals and installs those of Python; returns their folder, and Python if they are there."""
    profile, flags = ("debug", "") if is_quick else ("release", "--release")
    target = ROOT / "target"
    sh(f"cd {word(CONTENDERS)} && cargo build --quiet --locked {flags} --target-dir {word(target / 'contenders')}")
    venv = target / "bench-venv"
    python = venv / "bin/python"
    try:
        if not python.exists():
            sh(f"{word(sys.executable)} -m venv {word(venv)}")
        has = [python, "-c", "import duckdb, orjson"]
        if subprocess.run(has, stderr=subprocess.DEVNULL).returncode:
            sh(f"{word(venv / 'bin/pip')} install --quiet duckdb orjson")
    except subprocess.CalledProcessError as failed:
        if not is_quick:
            sys.exit(f"scripts/bench: no DuckDB and orjson: {failed}")
        # The gate is about this program: it must not hang on a package index.
        left_out = "scripts/bench: DuckDB and orjson cannot be installed, so they are left out"
        print(left_out, file=sys.stderr)
        python = None
    return target / "contenders" / profile, python


def versions(python):
    """What tells the versions of the rivals."""
    return ["wc --version | head -1", f"{word(python)} --version", f"{word(python)} -m pip list --format freeze"]


def jobs(headcount, folder, is_tiny, only):
    """The jobs, each checked against headcount's own answer when it is asked for."""
    rivals, python = build(is_tiny)
    streams = Streams(folder, headcount, STREAMS, is_tiny)
    known = {name: facts(headcount, streams.file(name)) for name in STREAMS}
    for name, stream, sides, pairs in table_of_jobs(headcount, rivals, python, streams):
        if only and not any(text in name for text in only):
            continue
        if python is None:
            sides = [side for side in sides if side[1]]
            pairs = [pair for pair in pairs if pair[2] in [side[0] for side in sides]]
        cold = streams.file(stream) if name == "cold" else None
        yield Job(name, [side_of(known[stream], *side) for side in sides], pairs, cold)


def side_of(known, name, command, prints="counts", is_slow=False):
    """A side that must print what headcount did: counts, the number of lines (wc), or nothing."""
    counts, frames = known
    right = {
        "counts": lambda output: plain(output) == counts,
        "lines": lambda output: int(output.split()[0]) == frames,
        "nothing": None,
    }
    return Side(name, command, right[prints], is_slow=is_slow)


def table_of_jobs(headcount, rivals, python, streams):
    """(name, stream, sides as `side_of` takes them, pairs) of each job."""
    file, small = word(streams.file("stream")), word(streams.file("small"))
    headcount, rivals = word(headcount), word(rivals)
    core = min(os.sched_getaffinity(0))

    def by_python(program, file):
        """No command where there is no Python with what it needs."""
        return python and f"{word(python)} {word(CONTENDERS / program)} {file}"

    ours = ("headcount", f"{headcount} count -q {file}")
    one_core = ("headcount, 1 core", f"taskset -c {core} {ours[1]}")
    yield (
        "file",
        "stream",
        [ours, one_core, ("wc -l", f"wc -l {file}", "lines")],
        [("a file", "headcount", "wc -l"), ("a file, 1 core", "headcount, 1 core", "wc -l")],
    )
    yield (
        "pipe",
        "stream",
        [
            ("headcount, piped", f"cat {file} | {headcount} count -q -"),
            ("wc -l, piped", f"cat {file} | wc -l", "lines"),
        ],
        [("a file through a pipe", "headcount, piped", "wc -l, piped")],
    )
    yield (
        "small",
        "small",
        [
            ("headcount", f"{headcount} count -q {small}"),
            ("DuckDB", by_python("duckdb-count.py", small)),
            ("wc -l", f"wc -l {small}", "lines"),
        ],
        [
            ("20 million frames of 83 bytes", "headcount", "wc -l"),
            ("20 million frames of 83 bytes", "headcount", "DuckDB"),
        ],
    )
    yield (
        "rivals",
        "stream",
        [
            ours,
            one_core,
            ("DuckDB", by_python("duckdb-count.py", file)),
            ("sonic-rs", f"{rivals}/sonic-get {file}"),
            ("serde_json, typed", f"{rivals}/serde-typed {file}"),
            ("serde_json, ten minutes' work", f"{rivals}/ten-minutes {file}", "counts", True),
            ("Python, orjson", by_python("orjson-count.py", file), "counts", True),
        ],
        [
            ("exact users by minute", "headcount", "DuckDB"),
            ("one thread", "headcount, 1 core", "sonic-rs"),
            ("one thread", "headcount, 1 core", "serde_json, typed"),
            ("one thread", "headcount, 1 core", "serde_json, ten minutes' work"),
            ("one thread", "headcount, 1 core", "Python, orjson"),
        ],
    )
    yield (
        "cold",
        "stream",
        [ours, ("dd bs=1M", f"dd if={file} of=/dev/null bs=1M 2>/dev/null", "nothing")],
        [("a file not in memory", "headcount", "dd bs=1M")],
    )


def facts(headcount, file):
    """What headcount says of a stream, in the plainest form, and how many frames it read."""
    summary = file.with_suffix(".summary")
    results = said(f"{word(headcount)} count -q --summary {word(summary)} {word(file)}")
    frames = json.loads(summary.read_text())
    if frames["counted"] != frames["frames_read"]:
        sys.exit(f"{file}: late or malformed frames, on which rivals would disagree")
    return plain(results), frames["frames_read"]


def plain(results):
    """The plainest output: of each result only ts and cnt."""
    return re.sub(r'^(\{"ts":-?\d+,"cnt":\d+),.*\}$', r"\1}", results, flags=re.M)


def memory(headcount, folder, is_tiny):
    """What memory headcount took, in a line for the table."""
    streams = Streams(folder, headcount, STREAMS, is_tiny)
    said_of = []
    for name in STREAMS:
        anonymous, resident = peak_memory(headcount, streams.file(name))
        said_of.append(f"{name} {anonymous:.1f} MiB anonymous, {resident:.1f} MiB resident in all")
    return f"Peak memory of headcount: {'; '.join(said_of)}."


def peak_memory(headcount, file):
    """Most anonymous memory seen (asked for every millisecond) and most resident at all, MiB."""
    summary = file.with_suffix(".summary")
    command = [headcount, "count", "-q", "--summary", summary, file]
    child = subprocess.Popen(command, stdout=subprocess.DEVNULL)
    anonymous_kib = 0
    while child.poll() is None:
        status = Path(f"/proc/{child.pid}/status").read_text()
        found = re.search(r"^RssAnon:\s+(\d+) kB", status, re.M)
        anonymous_kib = max(anonymous_kib, int(found[1]) if found else 0)
        time.sleep(0.001)
    if child.returncode:
        # What lies there is another run's summary.
        sys.exit(f"failed: {shlex.join(map(str, command))}")
    resident_bytes = json.loads(summary.read_text())["peak_memory_bytes"]
    return anonymous_kib / 1024, resident_bytes / 2**20
