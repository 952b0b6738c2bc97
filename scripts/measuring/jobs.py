"""Jobs: commands that are timed in turns, and what they run on.

A job is one piece of work and its sides, which do it. A round runs each side once; every second round runs them
in the opposite order, so that none always comes after the same one. The first round warms up and is not kept.

Commands are a shell's: what is put into one and may hold a space goes through `word`.
"""

import hashlib
import os
import random
import shlex
import subprocess
import sys
from pathlib import Path
from typing import Callable, NamedTuple, Optional

from . import timed

ROOT = Path(__file__).resolve().parent.parent.parent
CONTENDERS = ROOT / "perf/contenders"
SLOW_RUNS = 3
COLUMNS = "job\tround\tside\twall_s\tuser_s\tsystem_s\tpeak_mib\tmachine_s"


class Side(NamedTuple):
    """Who does a job. `is_right`: whether what the command prints is the right answer (None: it prints none).
    `says_wall`: what of its stderr says the seconds that count, if not all of them do. `is_slow`: it takes
    part in the first rounds only."""

    name: str
    command: str
    is_right: Optional[Callable] = None
    says_wall: Optional[str] = None
    is_slow: bool = False


class Job(NamedTuple):
    """What is done. `pairs`: what of it is a comparison, as (what it shows, a side, another). `cold`: a file
    whose pages are dropped from memory before each run."""

    name: str
    sides: list
    pairs: list = []
    cold: Optional[Path] = None


def sh(command, **more):
    return subprocess.run(command, shell=True, check=True, text=True, cwd=ROOT, **more)


def said(command):
    return sh(command, stdout=subprocess.PIPE).stdout


def word(path):
    """A path as one word of a shell's command."""
    return shlex.quote(str(path))


def build(is_quick):
    """Builds headcount; returns the program."""
    sh(f"cargo build --quiet {'' if is_quick else '--release'}")
    return ROOT / "target" / ("debug" if is_quick else "release") / "headcount"


class Streams:
    """Files of `headcount generate`, made once and kept in a folder. `kinds`: name -> (flags, tiny flags). A file's
    name tells its flags by their hash, so that other flags make another file."""

    def __init__(self, folder, headcount, kinds, is_tiny):
        self.folder, self.headcount, self.is_tiny = folder, headcount, is_tiny
        self.kinds = kinds
        folder.mkdir(parents=True, exist_ok=True)

    def flags(self, name):
        return self.kinds[name][self.is_tiny]

    def file(self, name):
        flags = self.flags(name)
        file = self.folder / f"{name}-{hashlib.sha256(flags.encode()).hexdigest()[:8]}.jsonl"
        if not file.exists():
            part = file.with_suffix(".part")
            sh(f"{word(self.headcount)} generate {flags} -o {word(part)}")
            os.replace(part, file)
        return file


def check(job):
    """Ends it all where a side has another answer. Its run warms up the page cache besides."""
    for side in job.sides:
        if side.is_right is None:
            continue
        output = said(f"{{ {side.command} ; }} 2>/dev/null" if side.says_wall else side.command)
        if not side.is_right(output):
            sys.exit(f"{job.name}, {side.name}: another answer:\n{output[:500]}")


def turns(job, runs, log):
    """Runs the sides in turns; returns side -> its runs. `log` gets each line for runs.tsv."""
    return rounds([job], runs, log)[0][1]


def rounds(jobs, runs, log):
    """The same of several jobs, all of them in each round, so that a drift meets all alike; returns (job, side -> its
    runs) of each. They are to be ready at once, and their files to fit into memory together."""
    taken = [(job, {side.name: [] for side in job.sides}) for job in jobs]
    for round in range(runs + 1):
        for job, runs_of in taken:
            for side, run in once(job, round):
                runs_of[side.name].append(run)
                figures = f"{run.wall_s:.4f}\t{run.user_s:.3f}\t{run.system_s:.3f}\t{run.peak_mib:.1f}\t{run.machine_s:.2f}"
                log(f"{job.name}\t{round}\t{side.name}\t{figures}")
    return taken


def once(job, round):
    """One round of a job: (side, its run) of those that count."""
    order = job.sides if round % 2 == 0 else job.sides[::-1]
    if job.cold:
        # Whose turn comes after whose decides which pages of memory a cold run gets: see perf/README.md.
        order = random.Random(round).sample(job.sides, len(job.sides))
    for side in order:
        if side.is_slow and not 1 <= round <= SLOW_RUNS:
            continue
        if job.cold:
            forget(job.cold)
        run = timed.run(side.command, side.says_wall)
        if round > 0:
            yield side, run


def forget(file):
    """Drops a file's pages from memory, and makes sure of it."""
    with open(file, "rb") as opened:
        os.fsync(opened.fileno())
        os.posix_fadvise(opened.fileno(), 0, 0, os.POSIX_FADV_DONTNEED)
    cached = int(said(f"fincore --bytes --noheadings --output RES {word(file)}"))
    if cached > file.stat().st_size / 100:
        sys.exit(f"{file}: {cached} bytes stay in memory; is it on a disk? (--folder)")


class Broker:
    """A Kafka of scripts/kafka with its data in a folder, for as long as the `with` lasts; or one given."""

    def __init__(self, folder, given=None):
        self.folder, self.given = folder, given

    def __enter__(self):
        if self.given:
            return self.given
        sh(f"scripts/kafka down --dir {word(self.folder)}")
        return said(f"scripts/kafka up --dir {word(self.folder)} --heap 1g --for {os.getpid()}").strip()

    def __exit__(self, *_):
        if not self.given:
            sh(f"scripts/kafka down --dir {word(self.folder)}")
