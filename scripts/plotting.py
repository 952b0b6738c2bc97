"""Charts as SVG files in the project's one style. Used by scripts/compare and whatever draws for docs/.

- The same figures give the same bytes: a pinned matplotlib, no date, no random ids.
- A file needs nothing beside it: text stays text (in the reader's own font), and colours are in the file.
- Light and dark: each colour is drawn as its light one, and a style sheet in the file gives the dark ones
  where the reader asks for dark. A renderer that knows no such style sheets shows the light chart, whole.
- Colours say the same everywhere: headcount is the first one, who it is compared with is grey.

`library()` installs matplotlib into a virtual environment under target/ once; nothing else is needed. Each
function draws one chart and writes one file; values in, no statistics made here.

    plotting.bars("docs/x.svg", "What it shows", [("headcount", 1.2), ("wc -l", 1.4)], "seconds")
"""

import html
import re
import subprocess
import sys
from pathlib import Path
from typing import NamedTuple, Optional

ROOT = Path(__file__).resolve().parent.parent
# Pinned: another version may lay out, and so write, another file.
PACKAGES = ["matplotlib==3.10.7", "numpy==2.3.4"]

# name: light, dark. The light ones are found again in the file, so no two are equal.
COLOURS = {
    "ground": ("#fefefe", "#0d1117"),
    "ink": ("#1f2328", "#e6edf3"),
    "quiet": ("#59636e", "#9198a1"),
    "grid": ("#dde1e6", "#2b3139"),
    "other": ("#a3abb5", "#6b747e"),
    "blue": ("#2265b0", "#6cb0ff"),
    "orange": ("#c2560c", "#ff9d52"),
    "teal": ("#0f7d6d", "#4fd1b8"),
    "purple": ("#93408c", "#e28ad6"),
    "olive": ("#7a6b06", "#d9c24a"),
}
SERIES = ["blue", "orange", "teal", "purple", "olive", "other"]
MARKERS = ["o", "s", "^", "D", "v", "P"]  # beside colour, for who cannot tell the colours
FONT = 'system-ui, -apple-system, "Segoe UI", "DejaVu Sans", sans-serif'
WIDTH_IN = 7.6
ROW_IN = 0.32


class NoLibrary(Exception):
    """matplotlib is not there and cannot be installed."""


class Strip(NamedTuple):
    """One row of `strips`: each value a dot, the median a line, and an interval of the median if known."""

    label: str
    values: list
    interval: Optional[tuple] = None  # (low, high)
    colour: str = "blue"


def library():
    """Makes matplotlib importable, installed into target/ if need be, and returns it. Raises NoLibrary."""
    venv = ROOT / "target" / f"plotting-{sys.version_info.major}.{sys.version_info.minor}"
    packages = venv / f"lib/python{sys.version_info.major}.{sys.version_info.minor}/site-packages"
    done = venv / "done"
    if not done.exists() or done.read_text().split() != PACKAGES:
        try:
            subprocess.run([sys.executable, "-m", "venv", venv], check=True)
            install = [venv / "bin/pip", "install", "--quiet", *PACKAGES]
            subprocess.run(install, check=True, timeout=300, text=True, stderr=subprocess.PIPE)
        except (subprocess.SubprocessError, OSError) as failed:
            said = (getattr(failed, "stderr", None) or "").strip().splitlines() or [str(failed)]
            raise NoLibrary(f"no matplotlib, so no chart: {said[-1]}") from failed
        done.write_text("\n".join(PACKAGES))
    if str(packages) not in sys.path:
        sys.path.insert(0, str(packages))
    import matplotlib

    matplotlib.rcParams.update(
        {
            "svg.fonttype": "none",
            "svg.hashsalt": "headcount",
            "font.family": "DejaVu Sans",  # it comes with matplotlib; wider than what FONT finds, so all fits
            "font.size": 9.5,
            "axes.spines.top": False,
            "axes.spines.right": False,
            "axes.edgecolor": light("quiet"),
            "axes.labelcolor": light("quiet"),
            "axes.facecolor": light("ground"),
            "figure.facecolor": light("ground"),
            "text.color": light("ink"),
            "xtick.color": light("quiet"),
            "ytick.color": light("quiet"),
            "xtick.labelcolor": light("ink"),
            "ytick.labelcolor": light("ink"),
            "grid.color": light("grid"),
            "grid.linewidth": 0.8,
            "axes.axisbelow": True,
            "legend.frameon": False,
        }
    )
    return matplotlib


def light(name):
    return COLOURS[name][0]


def figure(value):
    """A number as a reader wants it: three figures, thousands set apart."""
    if value == 0:
        return "0"
    if abs(value) >= 100:
        return f"{value:,.0f}"
    return f"{value:.3g}"


def of(label):
    """headcount's colour, or that of who it is compared with."""
    return "blue" if label.startswith("headcount") else "other"


class Chart:
    """A figure with its title above and its note below, and one plot between them; `legend`: rows of its
    legend. `write` ends it."""

    def __init__(self, title, plot_in, subtitle=None, note=None, legend=0):
        library()
        from matplotlib.figure import Figure

        self.title, self.subtitle = title, subtitle
        self.legend_from_top_in = 0.42 + (0.22 if subtitle else 0)
        above_in = self.legend_from_top_in + (0.1 + 0.2 * legend if legend else 0)
        below_in = 0.3 if note else 0.05
        self.height_in = above_in + plot_in + below_in
        self.figure = Figure(figsize=(WIDTH_IN, self.height_in), layout="constrained")
        rect = (0, below_in / self.height_in, 1, 1 - (above_in + below_in) / self.height_in)
        self.figure.get_layout_engine().set(rect=rect, w_pad=0.12, h_pad=0.04)
        self.axes = self.figure.add_subplot()
        self.axes.tick_params(length=0)
        self._say(0.27, title, fontsize=12, fontweight="bold")
        if subtitle:
            self._say(0.52, subtitle, color=light("quiet"))
        if note:
            self._say(self.height_in - 0.12, note, color=light("quiet"), fontsize=8)

    def _say(self, from_top_in, text, **style):
        self.figure.text(0.12 / WIDTH_IN, 1 - from_top_in / self.height_in, text, **style)

    def rows(self, labels):
        """Names the rows of a horizontal chart, the first one on top."""
        self.axes.set_yticks(range(len(labels)), labels)
        self.axes.set_ylim(len(labels) - 0.5, -0.5)
        self.axes.spines["left"].set_visible(False)
        self.axes.grid(axis="x")

    def scale(self, axis, log=False, label=None):
        """An axis' scale and name; plain numbers on both kinds of scale."""
        from matplotlib.ticker import FuncFormatter, LogLocator, NullFormatter

        getattr(self.axes, f"set_{axis}scale")("log" if log else "linear")
        ticks = getattr(self.axes, f"{axis}axis")
        ticks.set_major_formatter(FuncFormatter(lambda value, _: figure(round(value, 12))))
        if log:
            low, high = sorted(getattr(self.axes, f"get_{axis}lim")())
            if high / low < 30:
                ticks.set_major_locator(LogLocator(subs=(1, 2, 5)))
            ticks.set_minor_formatter(NullFormatter())
            self.axes.tick_params(axis=axis, which="minor", length=0)
        if label:
            getattr(self.axes, f"set_{axis}label")(label)

    def legend(self, columns):
        """Names the series, below the title."""
        at = (0.12 / WIDTH_IN, 1 - self.legend_from_top_in / self.height_in)
        style = dict(labelcolor=light("ink"), handletextpad=0.5, columnspacing=1.5, borderaxespad=0, borderpad=0.1)
        made = self.figure.legend(loc="upper left", bbox_to_anchor=at, ncols=columns, **style)
        made.set_in_layout(False)

    def write(self, to):
        """Writes the file, its colours made ones that follow the reader's light or dark."""
        to = Path(to)
        to.parent.mkdir(parents=True, exist_ok=True)
        nothing = {"Date": None, "Creator": None, "Format": None, "Type": None}
        self.figure.savefig(to, format="svg", metadata=nothing)
        to.write_text(themed(to.read_text(), self.title, self.subtitle))


def themed(svg, title, subtitle=None):
    """An SVG of matplotlib with a name for who cannot see it, the reader's font, and dark colours."""
    dark = []
    for bright, dim in COLOURS.values():
        for what in ("fill", "stroke"):
            dark.append(f'[style*="{what}: {bright}"]{{{what}:{dim} !important}}')
    style = "@media (prefers-color-scheme: dark){" + "\n".join(dark) + "}"
    name = f"<title>{html.escape(title)}</title>"
    if subtitle:
        name += f"<desc>{html.escape(subtitle)}</desc>"
    svg = re.sub(r"(<svg [^>]*)>", rf'\1 role="img">\n {name}\n <style>{style}</style>', svg, count=1)
    # It names what it clips to by a hash of floats, the last bits of which hang on the processor.
    for at, clip in enumerate(dict.fromkeys(re.findall(r'id="(p[0-9a-f]{10})"', svg))):
        svg = svg.replace(clip, f"clip-{at}")
    svg = re.sub(r"'DejaVu Sans'(, [^;\"]*)?", FONT.replace('"', "'"), svg)
    return re.sub(r"[ \t]+$", "", svg, flags=re.M)


def bars(to, title, rows, unit, *, subtitle=None, note=None, log=False, colour=of, say=figure):
    """Horizontal bars with their values beside them. `rows`: (label, value), or (label, value, low, high)
    where a whisker is to be drawn. `colour`: a label's colour name. On a log scale bars begin at the left
    edge, which says nothing: prefer it only where values lie decades apart."""
    chart = Chart(title, 0.5 + ROW_IN * len(rows), subtitle, note)
    low = min(row[1] for row in rows)
    high = max(row[3] if len(row) > 3 else row[1] for row in rows)
    left = low / 3 if log else 0
    for y, row in enumerate(rows):
        label, value = row[:2]
        chart.axes.barh(y, value - left, left=left, height=0.68, color=light(colour(label)))
        end = value
        if len(row) > 3:
            chart.axes.plot(row[2:4], [y, y], color=light("ink"), linewidth=1.2)
            end = max(value, row[3])
        place = dict(xytext=(5, 0), textcoords="offset points", va="center")
        chart.axes.annotate(say(value), (end, y), fontweight="bold" if colour(label) == "blue" else "normal", **place)
    chart.rows([row[0] for row in rows])
    chart.axes.set_xlim(left, high * (high / low) ** 0.15 * 1.3 if log else high * 1.12)
    chart.scale("x", log, unit)
    chart.write(to)


def grouped(to, title, groups, series, unit, *, subtitle=None, note=None, log=False, colours=None, say=figure):
    """Horizontal bars in groups. `groups`: their names; `series`: name -> one value a group (None: no bar)."""
    count = len(series)
    chart = Chart(title, 0.5 + len(groups) * (0.2 + 0.21 * count), subtitle, note, legend=1)
    values = [value for column in series.values() for value in column if value is not None]
    left = min(values) / 3 if log else 0
    height = 0.8 / count
    for at, (name, column) in enumerate(series.items()):
        colour = (colours or {}).get(name, SERIES[at % len(SERIES)])
        for group, value in enumerate(column):
            y = group + (at - (count - 1) / 2) * height
            if value is None:
                continue
            chart.axes.barh(y, value - left, left=left, height=height * 0.9, color=light(colour))
            chart.axes.annotate(
                say(value), (value, y), xytext=(4, 0), textcoords="offset points", va="center", fontsize=8
            )
        chart.axes.barh(0, 0, left=left, color=light(colour), label=name)
    chart.rows(groups)
    chart.axes.set_xlim(left, max(values) * (1.6 if log else 1.12))
    chart.scale("x", log, unit)
    chart.legend(count)
    chart.write(to)


def lines(
    to, title, series, x, y, *, subtitle=None, note=None, log_x=False, log_y=False, colours=None,
    from_zero=True, plot_in=3.2, modelled=(), ticks_x=None,
):
    """Lines with points. `series`: name -> (x, y) or (x, y, low, high) each, the last two an interval. Names
    in `modelled` are drawn dashed and hollow: calculated, not measured. `ticks_x`: where x is named."""
    chart = Chart(title, plot_in, subtitle, note, legend=(len(series) + 2) // 3 if len(series) > 1 else 0)
    for at, (name, points) in enumerate(series.items()):
        colour = light((colours or {}).get(name, SERIES[at % len(SERIES)]))
        modelled_here = name in modelled
        chart.axes.plot(
            [point[0] for point in points],
            [point[1] for point in points],
            color=colour,
            marker=MARKERS[at % len(MARKERS)],
            markersize=5,
            markerfacecolor=light("ground") if modelled_here else colour,
            linestyle=(0, (5, 3)) if modelled_here else "-",
            linewidth=1.8,
            label=name,
        )
        for point in points:
            if len(point) > 3:
                chart.axes.plot([point[0]] * 2, point[2:4], color=colour, linewidth=1)
    if from_zero and not log_y:
        chart.axes.set_ylim(bottom=0)
    chart.axes.grid(axis="both" if log_x else "y")
    chart.scale("x", log_x, x)
    chart.scale("y", log_y, y)
    if ticks_x:
        chart.axes.set_xticks(ticks_x, [figure(tick) for tick in ticks_x])
    if len(series) > 1:
        chart.legend(min(len(series), 3))
    chart.write(to)


def strips(to, title, rows, unit, *, subtitle=None, note=None, log=False, mark=None):
    """Distributions: `rows` of `Strip`. Dots are spread by their order, not at random. `mark`: a value that
    gets a line through all rows (a ratio's 1, a limit)."""
    import statistics

    chart = Chart(title, 0.5 + 1.25 * ROW_IN * len(rows), subtitle, note)
    if mark is not None:
        chart.axes.axvline(mark, color=light("quiet"), linewidth=1, linestyle=(0, (4, 3)))
    for y, row in enumerate(rows):
        spread = [y + 0.13 * ((at * 2) % 5 - 2) / 2 for at in range(len(row.values))]
        colour = light(row.colour)
        chart.axes.scatter(row.values, spread, s=16, color=colour, alpha=0.55, linewidths=0)
        if row.interval:
            chart.axes.plot(row.interval, [y, y], color=light("ink"), linewidth=1.4, zorder=3)
        if row.values:
            middle = statistics.median(row.values)
            chart.axes.plot([middle, middle], [y - 0.32, y + 0.32], color=light("ink"), linewidth=2, zorder=4)
    chart.rows([row.label for row in rows])
    chart.scale("x", log, unit)
    chart.write(to)
