"""One timed run of a command, and what pairs of runs say. Wherever a whole command is timed, it is by `run`."""

import os
import re
import statistics
import subprocess
import time
from pathlib import Path
from typing import NamedTuple


class Run(NamedTuple):
    """What one run cost. The peak is that of the largest process, and never less than this Python's
    own: a child begins as a copy of it. `machine_s`: CPU seconds of whatever ran meanwhile, it included."""

    wall_s: float
    user_s: float
    system_s: float
    peak_mib: float
    machine_s: float

    @property
    def cpu_s(self):
        return self.user_s + self.system_s

    def __str__(self):
        return "wall %.3f s  user %.3f s  sys %.3f s  peak %.1f MiB" % self[:4]


def run(command, says_wall=None):
    """Runs a command by `sh -c`, its stdout thrown away, from its start to its end. `says_wall`: a pattern
    for what it says itself on stderr of the seconds that count, in place of the time of all of it."""
    began, busy_s = time.monotonic(), machine_s()
    stderr = subprocess.PIPE if says_wall else None
    child = subprocess.Popen(["sh", "-c", command], stdout=subprocess.DEVNULL, stderr=stderr, text=True)
    said = child.stderr.read() if says_wall else ""
    _, status, usage = os.wait4(child.pid, 0)
    wall_s, busy_s = time.monotonic() - began, machine_s() - busy_s
    child.returncode = os.waitstatus_to_exitcode(status)
    if status != 0:
        raise SystemExit(f"failed: {command}\n{said}")
    if says_wall:
        wall_s = float(re.search(says_wall, said)[1])
    return Run(wall_s, usage.ru_utime, usage.ru_stime, usage.ru_maxrss / 1024, busy_s)


def machine_s():
    """CPU seconds since the machine began, of all its processors and of whatever ran on them (proc(5))."""
    user, nice, system, _idle, _waiting, irq, softirq, *_ = map(int, Path("/proc/stat").read_text().split()[1:9])
    return (user + nice + system + irq + softirq) / os.sysconf("SC_CLK_TCK")


def median(runs):
    """The median of each figure by itself."""
    return Run(*(statistics.median(column) for column in zip(*runs)))


class Ratio(NamedTuple):
    """Ratios of runs that stood side by side."""

    median: float
    least: float
    most: float

    def __str__(self):
        return f"median {self.median:.3f}, {self.least:.3f} to {self.most:.3f}"


def ratio(a, b, of=lambda run: run.wall_s):
    """A/B of each pair. Of unequal numbers of runs, as many as there are of both."""
    ratios = [of(a) / of(b) for a, b in zip(a, b)]
    return Ratio(statistics.median(ratios), min(ratios), max(ratios))
