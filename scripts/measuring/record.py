"""Records written: the folder, its page, and the newest table in a page of docs. perf/README.md says what a record
holds."""

import os
import re
import sys
from datetime import date

from . import intervals, timed
from .jobs import ROOT, said

# The end of a record's page: what lies beside it, and how it was made.
END = """
| file | what |
| --- | --- |
| `runs.tsv` | every run, in the order in which they were run |
| `machine.txt` | the machine sheet |

The commands:

{commands}
"""


def folder(name, is_dirty_fine=False):
    """Where a record of today goes; ends the program where none may be written."""
    to = ROOT / f"perf/records/{date.today()}-{name}"
    if said("git status --short") and not is_dirty_fine:
        sys.exit("commit first, or give --dirty: a record names its commit")
    if to.exists():
        sys.exit(f"{to} is there already; records are only ever added")
    return to


def comparisons(done):
    """One row a comparison, medians of both sides and the ratios of the rounds."""
    rows = [
        "| job | against | headcount | the other | headcount / the other | the other / headcount |",
        "| --- | --- | --- | --- | --- | --- |",
    ]
    for job, runs in done:
        for what, ours, other in job.pairs:
            a, b = runs[ours], runs[other]
            ratio, back = timed.ratio(a, b), timed.ratio(b, a)
            rows.append(
                f"| {what} | {other} | {timed.median(a).wall_s:.3f} s | {timed.median(b).wall_s:.3f} s "
                f"| {ratio.median:.2f} ({ratio.least:.2f}–{ratio.most:.2f}) | {back.median:.2f} |"
            )
    return "\n".join(rows)


def medians(done):
    """One row a side: what it took, with the interval."""
    rows = ["| job | side | wall | CPU | peak memory |", "| --- | --- | --- | --- | --- |"]
    for job, runs in done:
        for side in job.sides:
            wall = intervals.median([run.wall_s for run in runs[side.name]])
            about = "" if wall.low is None else f" ({wall.low:.3f}–{wall.high:.3f})"
            median = timed.median(runs[side.name])
            rows.append(
                f"| {job.name} | {side.name} | {wall.middle:.3f} s{about} | {median.cpu_s:.2f} s | {median.peak_mib:.0f} MiB |"
            )
    return "\n".join(rows)


def write(to, page, lines, sheet, done=(), file="runs.tsv", **more):
    """Makes the record's folder. `page` is what its README says, with places for `more` and the commands; `lines` are
    those of `file`."""
    to.mkdir(parents=True)
    (to / file).write_text("\n".join(lines) + "\n")
    (to / "machine.txt").write_text(sheet)
    commands = "\n".join(
        f"- {job.name}, {side.name}: `{short(side.command)}`"
        for job, _ in done
        for side in job.sides
    )
    (to / "README.md").write_text(page.format(name=to.name, commands=commands, **more))
    print(f"written: {to}")


def short(command):
    """A command as it would be given in the root's folder."""
    return command.replace(f"{ROOT}/", "")


def refresh(page, script, text, to):
    """Puts `text` between the two markers of a script's in a page, and which record it is from."""
    begin, end = f"<!-- {script} writes from here -->", "<!-- to here -->"
    link = os.path.relpath(to / "README.md", page.parent)
    between = f"{begin}\n{text}\nRecord: [{to.name}]({link}).\n{end}"
    fresh, found = re.subn(f"{begin}.*?{end}", lambda _: between, page.read_text(), flags=re.S)
    if found != 1:
        raise SystemExit(f"{page}: the two markers of {script} are not there")
    page.write_text(fresh)
