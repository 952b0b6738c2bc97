"""Records written: the folder, its page, and the table in README.md. perf/README.md says what a record holds."""

import re
import sys
from datetime import date

from . import intervals, timed
from .jobs import ROOT, said

# Between these two lines README.md shows the newest table.
BEGIN, END = "<!-- scripts/bench writes from here -->", "<!-- to here -->"


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


def write(to, page, lines, sheet, done=(), **more):
    """Makes the record's folder. `page` is what its README says, with places for `more` and the commands."""
    to.mkdir(parents=True)
    (to / "runs.tsv").write_text("\n".join(lines) + "\n")
    (to / "machine.txt").write_text(sheet)
    commands = "\n".join(
        f"- {job.name}, {side.name}: `{side.command.replace(str(ROOT) + '/', '')}`"
        for job, _ in done
        for side in job.sides
    )
    (to / "README.md").write_text(page.format(name=to.name, commands=commands, **more))
    print(f"written: {to}")


def refresh(page, table, to):
    """Puts the table between the two markers."""
    text = page.read_text()
    between = f"{BEGIN}\n{table}\nRecord: [{to.name}](perf/records/{to.name}/README.md).\n{END}"
    fresh, found = re.subn(f"{BEGIN}.*?{END}", lambda _: between, text, flags=re.S)
    if found != 1:
        raise SystemExit(f"{page}: the two markers of the table are not there")
    page.write_text(fresh)
