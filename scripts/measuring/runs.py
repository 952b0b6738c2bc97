"""Records read: the figures of each run in runs.tsv, and what machine.txt says of the machine.

runs.tsv is one line a run in the order in which they were run, tab-separated, its first line naming the columns:
what was run (`job`; in older records also `topic` or `line`), `round`, `side`, and then figures. A figure is any
column of numbers; `wall_s`, `user_s` and `system_s` give `cpu_s` besides. So records of all dates can be read.

A record is named by its folder, or by its folder's name under perf/records; `RECORD:SIDE` names one side of it.
"""

import csv
import re
from pathlib import Path
from typing import NamedTuple

ROOT = Path(__file__).resolve().parent.parent.parent
RECORDS = ROOT / "perf/records"
WHAT_COLUMNS = ["job", "topic", "line"]
# What is compared where nothing else is asked for: the first of these that a record has.
FIGURES = ["wall_s", "instructions_per_frame"]


class Unreadable(Exception):
    """No record, or none with runs; says which and why."""


class Run(NamedTuple):
    """One line of runs.tsv."""

    job: str
    round: int
    side: str
    figures: dict


class Record(NamedTuple):
    """A record, or one side of it (`side`)."""

    name: str
    folder: Path
    runs: list
    machine: dict
    side: str = None

    def jobs(self):
        """The names of its jobs, in their order."""
        return list(dict.fromkeys(run.job for run in self.runs))

    def sides(self):
        return list(dict.fromkeys(run.side for run in self.runs))

    def figures(self):
        """The names of all figures that some run has."""
        return list(dict.fromkeys(name for run in self.runs for name in run.figures))

    def of(self, job, side, figure):
        """round -> the figure."""
        return {
            run.round: run.figures[figure]
            for run in self.runs
            if run.job == job and run.side == side and figure in run.figures
        }


def load(name):
    """Reads `RECORD` or `RECORD:SIDE`."""
    whole = _folder(name)
    side = None
    if whole is None and ":" in name:
        name, side = name.split(":", 1)
        whole = _folder(name)
    if whole is None:
        raise Unreadable(f"{name}: no such record, here or in perf/records")
    runs = read(whole / "runs.tsv")
    record = Record(whole.name, whole, runs, machine(whole / "machine.txt"), side)
    if side is not None and side not in record.sides():
        raise Unreadable(f"{name} has no side {side!r}; it has: " + "; ".join(record.sides()))
    return record


def _folder(name):
    return next((path for path in (Path(name), RECORDS / name) if path.is_dir()), None)


def read(file):
    """The runs of a runs.tsv."""
    if not file.exists():
        raise Unreadable(f"{file.parent}: no runs.tsv, so nothing that can be compared")
    with open(file, newline="") as opened:
        lines = list(csv.reader(opened, delimiter="\t"))
    header = lines[0]
    what = next((name for name in WHAT_COLUMNS if name in header), None)
    if what is None or not {"round", "side"} <= set(header):
        raise Unreadable(f"{file}: no columns {' or '.join(WHAT_COLUMNS)}, round and side")
    runs = []
    for at, line in enumerate(lines[1:], 2):
        cells = dict(zip(header, line))
        try:
            names = (name for name in header if name not in (what, "round", "side"))
            figures = {name: float(cells[name]) for name in names if cells.get(name)}
            runs.append(Run(cells[what], int(cells["round"]), cells["side"], with_cpu(figures)))
        except (KeyError, ValueError) as wrong:
            raise Unreadable(f"{file}, line {at}: {wrong}") from wrong
    if not runs:
        raise Unreadable(f"{file}: no runs in it")
    return runs


def with_cpu(figures):
    if "user_s" in figures and "system_s" in figures:
        figures["cpu_s"] = round(figures["user_s"] + figures["system_s"], 6)
    return figures


# Facts of a machine sheet that two records should have in common, and how each is found in it.
FACTS = {
    "CPU": r"^Model name:\s+(.+)",
    "cores": r"^## nproc\n(.+)",
    "threads a core": r"^Thread\(s\) per core:\s+(.+)",
    "operating system": r"^## uname -a\n\S+ \S+ (\S+)",
    "virtual machine": r"^Hypervisor vendor:\s+(.+)",
    "compiler": r"^release: (.+)",
    "kernel chosen": r"^\s+kernel: (\S+)",
    "file system": r"^## findmnt[^\n]*\nTARGET[^\n]*\n\S+\s+\S+\s+(\S+)",
    "memory, GiB": r"^Mem:\s+(\d+)",
    "governor": r"^governor: (.+)",
    "turbo": r"^turbo: (.+)",
    "SMT": r"^SMT: (.+)",
    "transparent huge pages": r"^transparent huge pages: (.+)",
}


def machine(file):
    """What a machine sheet says, as far as it does: fact -> value."""
    text = file.read_text() if file.exists() else ""
    found = {}
    for fact, pattern in FACTS.items():
        if match := re.search(pattern, text, re.M):
            found[fact] = match[1].strip()
    if "memory, GiB" in found:
        found["memory, GiB"] = str(round(int(found["memory, GiB"]) / 2**30))
    return found
