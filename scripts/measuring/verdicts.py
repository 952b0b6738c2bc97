"""Two sides put side by side: a verdict for each job, and what is to be known before it is believed.

Paired or not. Sides of one record were run in turns, so each run of one is set against the run of the other in
the same round: a machine that drifts meets both, and drops out of their ratio. Two records were made at two
times. Their runs are not paired, and no interval knows what changed between the two sessions. Where both have
a rival's side (`wc -l`), it did not change: what it says is how far the machine did.

The verdict follows from the interval alone: `slower` where all of it lies above 1, `faster` where all of it lies
below, else `no difference`, which says that none was shown. A regression is `slower` with a median ratio
beyond 1 + threshold. All figures here are costs: more is worse. Where nothing of ours has a verdict, or B lacks what A
has of ours, no regression was shown, and none was ruled out either: `undecided` says so.
"""

from typing import NamedTuple, Optional

from . import intervals
from .runs import FACTS, FIGURES, Unreadable

# The first words of sides that are no work of ours; all other sides are. Those of rivals.py and topics.py.
RIVALS = ["wc", "dd", "DuckDB", "Python", "sonic-rs", "serde_json", "kcat", "ConsumerPerformance", "Kafka Streams"]
# B is called noisier beyond this many times A's spread, where that is also beyond this part of the median.
NOISIER_TIMES, NOISIER_PART = 2.0, 0.01
TOO_FEW = "too few runs"


class Row(NamedTuple):
    """One job of both sides."""

    job: str
    sides: tuple
    a: list
    b: list
    median_a: intervals.Interval
    median_b: intervals.Interval
    ratio: intervals.Interval
    verdict: str
    remark: str
    is_yardstick: bool

    def is_regression(self, threshold):
        return not self.is_yardstick and self.verdict == "slower" and self.ratio.middle > 1 + threshold


class Comparison(NamedTuple):
    """All of it. `figure`: what was compared."""

    a: str
    b: str
    figure: str
    paired: bool
    rows: list
    warnings: list
    threshold: float
    lost: list

    def regressions(self):
        return [row for row in self.rows if row.is_regression(self.threshold)]

    def undecided(self, is_part_fine=False):
        """Why it says nothing of whether B is worse, or None. `is_part_fine`: B may lack jobs of A (`lost`)."""
        if all(row.is_yardstick or row.verdict == TOO_FEW for row in self.rows):
            return "nothing was shown: no job of ours has runs enough for a verdict"
        if self.lost and not is_part_fine:
            return f"{self.b} lacks what {self.a} has: {'; '.join(self.lost)}"
        return None


def is_rival(side):
    return any(side == rival or side.startswith((f"{rival} ", f"{rival},")) for rival in RIVALS)


def verdict(ratio):
    if ratio.low is None:
        return TOO_FEW
    if ratio.low > 1:
        return "slower"
    if ratio.high < 1:
        return "faster"
    return "no difference"


def compare(a, b, threshold, figure: Optional[str] = None):
    """Compares two records, or two sides of one (or of two)."""
    both = [name for name in a.figures() if name in b.figures()]
    figure = figure or next((name for name in FIGURES if name in both), None)
    if figure not in both:
        raise Unreadable(f"{figure or 'figures'}: not in both records; in both: {', '.join(both) or 'nothing'}")
    paired = a.folder.resolve() == b.folder.resolve()
    if paired and a.side == b.side:
        raise Unreadable(f"{a.name} and {b.name} are the same; two sides of a record: RECORD:SIDE")
    if (a.side is None) != (b.side is None):
        raise Unreadable("a side of one record is compared with a side of the other: name both, or none")
    rows, missing, nothing, lost = [], [], [], []
    for job, sides in _partners(a, b):
        values_a, values_b = a.of(job, sides[0], figure), b.of(job, sides[1], figure)
        if min([*values_a.values(), *values_b.values(), 1]) <= 0:
            nothing.append(f"{job}, {sides[0]}: some runs cost nothing, so there is no ratio")
        elif values_a and values_b:
            rows.append(_row(job, sides, values_a, values_b, paired, a.side is None))
        else:
            missing.append((job, sides, a if not values_a else b))
            if values_a and (a.side is not None or not is_rival(sides[0])):
                lost.append(f"{job}, {sides[0]}")
    if not rows:
        raise Unreadable(f"{a.name} and {b.name} have no job in common")
    warnings = nothing + _warnings(a, b, paired, rows, missing, threshold)
    return Comparison(_name(a), _name(b), figure, paired, rows, warnings, threshold, lost)


def _name(record):
    return record.name if record.side is None else f"{record.name}: {record.side}"


def _partners(a, b):
    """(job, (side of a, side of b)) of all that could be compared."""
    jobs = a.jobs() + [job for job in b.jobs() if job not in a.jobs()]
    for job in jobs:
        if a.side is not None:
            yield job, (a.side, b.side)
            continue
        sides = [run.side for record in (a, b) for run in record.runs if run.job == job]
        for side in dict.fromkeys(sides):
            yield job, (side, side)


def _row(job, sides, values_a, values_b, paired, by_name):
    remarks = []
    if paired:
        rounds = [round for round in values_a if round in values_b]
        if len(rounds) < max(len(values_a), len(values_b)):
            remarks.append(f"{len(rounds)} rounds have both")
        values_a, values_b = ({round: values[round] for round in rounds} for values in (values_a, values_b))
    a, b = list(values_a.values()), list(values_b.values())
    ratio = intervals.ratio_of_pairs(a, b) if paired else intervals.ratio_unpaired(a, b)
    spread_a, spread_b = intervals.spread(a), intervals.spread(b)
    if ratio.low is not None and spread_b > max(NOISIER_TIMES * spread_a, NOISIER_PART):
        remarks.append(f"noisier: runs lie {spread_b:.1%} from their median, not {spread_a:.1%}")
    return Row(
        job, sides, a, b, intervals.median(a), intervals.median(b), ratio, verdict(ratio), "; ".join(remarks),
        by_name and is_rival(sides[0]),
    )


def _warnings(a, b, paired, rows, missing, threshold):
    found = []
    for job, sides, record in missing:
        side = sides[0] if record is a else sides[1]
        found.append(f"{job}: no runs of {side} in {record.name}, so not compared")
    few = list(dict.fromkeys(row.job for row in rows if row.verdict == TOO_FEW and not row.is_yardstick))
    if few:
        found.append(f"fewer than {intervals.LEAST_RUNS} runs of a side give no interval: {'; '.join(few)}")
    wide = [row for row in rows if row.verdict == "no difference" and row.ratio.high > 1 + threshold and not row.is_yardstick]
    if wide:
        jobs = "; ".join(row.job for row in wide)
        found.append(f"a regression of {threshold:.1%} could hide in the interval, more runs make it narrower: {jobs}")
    if paired:
        return found
    for fact in FACTS:
        values = [record.machine.get(fact) for record in (a, b)]
        if None not in values and values[0] != values[1]:
            found.append(f"other {fact}: {values[0]} and {values[1]}")
    if not a.machine or not b.machine:
        found.append("no machine sheet on both sides: nothing says that it was the same machine")
    moved = [row for row in rows if row.is_yardstick and row.verdict in ("faster", "slower")]
    if moved:
        ratios = "; ".join(f"{row.job}: {row.sides[0]} {row.ratio.middle:.2f}" for row in moved)
        found.append(f"so much of a difference is the machine's, as these are no work of ours and differ too: {ratios}")
    found.append("two sessions: what changed between them is in no interval; scripts/compare --run measures in turns")
    return found
