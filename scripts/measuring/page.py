"""A comparison as text, as a page (HTML), and as a picture (SVG, in the page too)."""

import html
from pathlib import Path

import plotting

# Of each figure what a reader calls it, and its unit.
NAMES = {
    "wall_s": ("wall time", "s"),
    "cpu_s": ("CPU time", "s"),
    "peak_mib": ("peak memory", "MiB"),
    "instructions_per_frame": ("instructions a frame", ""),
}
HEADER = ["job", "A", "B", "B / A", "95 %", "verdict"]


def named(comparison):
    return NAMES.get(comparison.figure, (comparison.figure, ""))


def labelled(row):
    """A job, and whose it is where that is not plain."""
    return row.job if row.sides[0] != row.sides[1] or row.sides[0] == "headcount" else f"{row.job}: {row.sides[0]}"


def cells(comparison):
    """The rows of the table, as texts."""
    unit = named(comparison)[1]

    def value(interval):
        digits = 3 if unit == "s" else 1
        return f"{interval.middle:.{digits}f} {unit}".strip()

    for row in comparison.rows:
        ratio = row.ratio
        about = "" if ratio.low is None else f"{ratio.low:.3f} to {ratio.high:.3f}"
        verdict = row.verdict
        if row.is_regression(comparison.threshold):
            verdict += f", beyond {comparison.threshold:.1%}"
        if row.is_yardstick:
            verdict += " (not ours)"
        if row.remark:
            verdict += f" ({row.remark})"
        yield [labelled(row), value(row.median_a), value(row.median_b), f"{ratio.middle:.3f}", about, verdict]


def method(comparison):
    """How the intervals were come by, in a line."""
    way = "each run against the one of its round" if comparison.paired else "runs not paired: ratios of medians"
    return f"{named(comparison)[0]}, medians; B / A with its bootstrap 95 % interval; {way}; less is better"


def conclusion(comparison):
    count = len(comparison.regressions())
    compared = sum(not row.is_yardstick for row in comparison.rows)
    said = f"{count} of {compared} got worse beyond {comparison.threshold:.1%}"
    # One interval in forty lies above 1 by chance where nothing changed.
    return f"{said} (by chance alone {compared * 0.025:.1f} would be called slower)"


def text(comparison):
    """For a terminal."""
    rows = [HEADER, *cells(comparison)]
    widths = [max(len(row[column]) for row in rows) for column in range(len(HEADER))]
    lines = [f"A: {comparison.a}", f"B: {comparison.b}", method(comparison), ""]
    for row in rows:
        aligned = [cell.ljust(width) if at in (0, 5) else cell.rjust(width) for at, (cell, width) in enumerate(zip(row, widths))]
        lines.append("  ".join(aligned).rstrip())
    lines += ["", *(f"warning: {warning}" for warning in comparison.warnings), conclusion(comparison)]
    return "\n".join(lines)


def picture(comparison, to):
    """Every run of both sides as a dot, over A's median, so that one picture holds jobs of any length."""
    rows = []
    for row in comparison.rows:
        middle = row.median_a.middle
        for name, values, median, colour in (("A", row.a, row.median_a, "blue"), ("B", row.b, row.median_b, "orange")):
            interval = None if median.low is None else (median.low / middle, median.high / middle)
            label = f"{labelled(row)}  {name}" if name == "A" else name
            rows.append(plotting.Strip(label, [value / middle for value in values], interval, colour))
    unit = f"{named(comparison)[0]}, in medians of A"
    subtitle = "each dot a run; the line its median, with its 95 % interval"
    plotting.strips(to, f"A {short(comparison.a)}, B {short(comparison.b)}", rows, unit, subtitle=subtitle, mark=1)


def short(name):
    """A side's or a record's name as it fits into a title."""
    return name.rsplit(": ", 1)[-1]


STYLE = """
:root { color-scheme: light dark; --ink: #1f2328; --quiet: #59636e; --ground: #fefefe; --grid: #dde1e6; --worse: #b42318; --better: #0f7d6d }
@media (prefers-color-scheme: dark) {
  :root { --ink: #e6edf3; --quiet: #9198a1; --ground: #0d1117; --grid: #2b3139; --worse: #ff8a7a; --better: #4fd1b8 }
}
body { font: 15px/1.5 system-ui, sans-serif; color: var(--ink); background: var(--ground); max-width: 60rem; margin: 2rem auto; padding: 0 1rem }
table { border-collapse: collapse; width: 100% } div { overflow-x: auto }
th, td { padding: .3rem .6rem; border-bottom: 1px solid var(--grid); text-align: right; font-variant-numeric: tabular-nums }
td { white-space: nowrap }
th:first-child, td:first-child, th:last-child, td:last-child { text-align: left; white-space: normal }
p, li { color: var(--quiet) } .slower { color: var(--worse); font-weight: 600 } .faster { color: var(--better); font-weight: 600 }
svg { max-width: 100%; height: auto }
"""


def write(comparison, to):
    """Writes TO.svg and TO.html. Without matplotlib the page has no picture; returns what was left out and why."""
    to = Path(to)
    to.parent.mkdir(parents=True, exist_ok=True)
    svg, left_out = "", None
    try:
        picture(comparison, to.with_suffix(".svg"))
        svg = to.with_suffix(".svg").read_text()
        svg = svg[svg.index("<svg") :]
    except plotting.NoLibrary as none:
        left_out = str(none)
    to.with_suffix(".html").write_text(page(comparison, svg))
    return left_out


def page(comparison, svg):
    def line(tag, row):
        return "<tr>" + "".join(f"<{tag}>{html.escape(cell)}</{tag}>" for cell in row) + "</tr>"

    rows = "\n".join(
        line("td", row).replace(f"<td>{row[5]}", f'<td class="{compared.verdict.split()[0]}">{row[5]}')
        for row, compared in zip(cells(comparison), comparison.rows)
    )
    warnings = "\n".join(f"<li>{html.escape(warning)}</li>" for warning in comparison.warnings)
    return f"""<!doctype html>
<html lang="en"><meta charset="utf-8"><meta name="viewport" content="width=device-width">
<title>{html.escape(comparison.a)} and {html.escape(comparison.b)}</title>
<style>{STYLE}</style>
<h1>A against B</h1>
<p>A: {html.escape(comparison.a)}<br>B: {html.escape(comparison.b)}<br>{html.escape(method(comparison))}</p>
<div><table>
{line("th", HEADER)}
{rows}
</table></div>
<p>{html.escape(conclusion(comparison))}</p>
<ul>
{warnings}
</ul>
{svg}
</html>
"""
