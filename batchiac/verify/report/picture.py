"""The timeline picture: vCPUs over time above, every job below, on one time axis, as SVG for the page.

matplotlib draws with stand-in colours that are then replaced by the page's CSS variables, so that one picture serves
light, dark and print. Text stays text (`svg.fonttype: none`): it can be read aloud, searched and copied.
"""

from __future__ import annotations

import io
import itertools
import re
from collections.abc import Sequence
from typing import Any

from attrs import frozen

from batchiac.errors import UsageError
from batchiac.verify.measure import Measures
from batchiac.verify.report import words
from batchiac.verify.report.json import thin_use
from batchiac.verify.trace import JobRun, Run

_INK, _FAINT, _GRID, _WAIT, _FAILED, _USED, _THERE = (f"#00{n:02x}a1" for n in range(1, 8))
_GROUPS = tuple(f"#00{n:02x}a2" for n in range(1, 9))
_VARIABLES = {
    _INK: "--ink",
    _FAINT: "--faint",
    _GRID: "--rule",
    _WAIT: "--wait",
    _FAILED: "--bad",
    _USED: "--used",
    _THERE: "--there",
    **{colour: f"--g{number}" for number, colour in enumerate(_GROUPS)},
}
MOST_ROWS = 3000
"""Jobs drawn at most: more would be thinner than a hair and megabytes; the caption says how many were left out."""

_UNITS = ((3 * 86_400, 86_400, "days"), (3 * 3600, 3600, "hours"), (300, 60, "minutes"), (0, 1, "seconds"))
_WIDTH_IN = 10.5
_BAND_LINES, _ROOMY_BANDS = 3, 30
"""Up to so many groups, each has at least so many lines: a name is as high as three of them."""


@frozen
class Picture:
    """An SVG element for a page, and what it shows in words.

    Attributes:
        legend: (name, CSS variable) of each colour of the lower part, in order.
        left_out: jobs that were not drawn, because there are more than MOST_ROWS.
    """

    svg: str
    description: str
    legend: tuple[tuple[str, str], ...]
    left_out: int


def draw_picture(run: Run, measures: Measures) -> Picture:
    """The picture of one run; the same run gives the same bytes.

    Raises:
        UsageError: matplotlib is not installed.
    """
    try:
        import matplotlib
        from matplotlib.backends.backend_svg import FigureCanvasSVG
        from matplotlib.figure import Figure
    except ImportError as error:
        raise UsageError(
            "the HTML report draws with matplotlib, which is not installed: install batchiac[report]"
        ) from error
    own = [job for job in run.jobs if job.group != "join"]
    drawn = [job for job in own if job.runnable_at_s is not None or job.attempts]
    step = max(1, -(-len(drawn) // MOST_ROWS))
    rows = _in_bands(drawn[::step])
    places, height = _place(rows)
    colours = _colours(measures)
    end_s = max([measures.makespan_s, *(each.at_s for each in measures.use)], default=0.0) or 1.0
    scale, unit = next((size, name) for least, size, name in _UNITS if end_s >= least)
    height_in = min(9.0, max(1.6, height * 0.06))
    style = {
        "svg.fonttype": "none",
        "svg.hashsalt": "batchiac",
        "font.family": "sans-serif",
        "font.size": 9,
        "text.color": _INK,
        "axes.labelcolor": _FAINT,
        "xtick.color": _FAINT,
        "ytick.color": _FAINT,
        "xtick.labelcolor": _FAINT,
        "ytick.labelcolor": _INK,
        "axes.edgecolor": _GRID,
    }
    with matplotlib.rc_context(style):
        figure = Figure(figsize=(_WIDTH_IN, 2.4 + height_in), layout="constrained")
        FigureCanvasSVG(figure)
        figure.patch.set_visible(False)
        above, below = figure.subplots(2, 1, sharex=True, height_ratios=[1.7, height_in])
        for axes in (above, below):
            axes.patch.set_visible(False)
            axes.spines[["top", "right", "left"]].set_visible(False)
            axes.tick_params(length=0)
            axes.grid(axis="x", color=_GRID, linewidth=0.6)
            axes.set_axisbelow(True)
        _draw_use(above, run, measures, scale, end_s)
        _draw_jobs(below, rows, places, height, colours, scale, end_s)
        below.set_xlim(0, end_s / scale)
        below.set_xlabel(f"{unit} from the first submission")
        out = io.StringIO()
        figure.savefig(out, format="svg", metadata={"Date": None, "Creator": None})
    description = _describe(run, measures)
    return Picture(
        _for_page(out.getvalue(), description),
        description,
        _legend(measures, colours),
        len(drawn) - len(rows),
    )


def _in_bands(jobs: Sequence[JobRun]) -> list[JobRun]:
    """Jobs by group, groups by their first start, jobs by theirs: each group is one band of rows."""

    def begins_s(job: JobRun) -> float:
        known = [moment for moment in (job.runnable_at_s, job.started_at_s) if moment is not None]
        return min(known)

    first: dict[str, float] = {}
    for job in jobs:
        first[job.group] = min(first.get(job.group, begins_s(job)), begins_s(job))
    return sorted(jobs, key=lambda job: (first[job.group], job.group, begins_s(job), job.started_at_s or 0))


def _place(rows: Sequence[JobRun]) -> tuple[list[int], int]:
    """(the line that each job is drawn on, how many lines there are): small bands get room for their name."""
    sizes: dict[str, int] = {}
    for job in rows:
        sizes[job.group] = sizes.get(job.group, 0) + 1
    least = _BAND_LINES if len(sizes) <= _ROOMY_BANDS else 1
    places: list[int] = []
    top = 0
    for size in sizes.values():
        lines = max(size, least)
        places += range(top + (lines - size) // 2, top + (lines - size) // 2 + size)
        top += lines
    return places, top


def _colours(measures: Measures) -> dict[str, str]:
    """Group → stand-in colour: the seven that used most have their own, all others share the last."""
    names = [each.group for each in measures.groups]
    alone = names if len(names) <= len(_GROUPS) else names[: len(_GROUPS) - 1]
    return {name: _GROUPS[alone.index(name)] if name in alone else _GROUPS[-1] for name in names}


def _legend(measures: Measures, colours: dict[str, str]) -> tuple[tuple[str, str], ...]:
    shared = [name for name, colour in colours.items() if colour == _GROUPS[-1]]
    entries = [(name, _VARIABLES[colour]) for name, colour in colours.items() if colour != _GROUPS[-1]]
    if shared:
        name = shared[0] if len(shared) == 1 else f"{len(shared)} other kinds"
        entries.append((name, _VARIABLES[_GROUPS[-1]]))
    entries.append(("waits for capacity", _VARIABLES[_WAIT]))
    if measures.failed or measures.retries:
        entries.append(("failed attempt", _VARIABLES[_FAILED]))
    return tuple(entries)


def _draw_use(axes: Any, run: Run, measures: Measures, scale: float, end_s: float) -> None:
    points = thin_use(measures.use, 2000)
    times = [each.at_s / scale for each in points] + [end_s / scale]
    used = [each.used_vcpus for each in points]
    there = [float(each.instance_vcpus) for each in points]
    if points:
        axes.fill_between(times, [*used, used[-1]], step="post", color=_USED, linewidth=0, label="used by jobs")
        if measures.peak_instance_vcpus:
            axes.step(times, [*there, there[-1]], where="post", color=_THERE, linewidth=1.6, label="of instances")
    highest = max(measures.peak_used_vcpus, measures.peak_instance_vcpus, 1)
    # The limit is drawn where it says something: far above the use it would flatten everything else.
    if run.max_vcpus and run.max_vcpus <= 2 * highest:
        axes.axhline(run.max_vcpus, color=_FAINT, linewidth=1, linestyle=(0, (4, 3)), label="most there can be")
        highest = max(highest, run.max_vcpus)
    axes.set_ylim(0, highest * 1.1)
    axes.set_title("vCPUs", loc="left", fontsize=10, color=_INK)
    axes.yaxis.set_major_locator(_whole_numbers())
    if axes.get_legend_handles_labels()[0]:
        axes.legend(loc="lower right", bbox_to_anchor=(1, 1), ncols=3, frameon=False, borderaxespad=0.2)


def _whole_numbers() -> Any:
    from matplotlib.ticker import MaxNLocator

    return MaxNLocator(nbins=4, integer=True)


def _draw_jobs(
    axes: Any,
    rows: Sequence[JobRun],
    places: Sequence[int],
    height: int,
    colours: dict[str, str],
    scale: float,
    end_s: float,
) -> None:
    bars: dict[str, list[tuple[int, float, float]]] = {}
    for row, job in zip(places, rows, strict=True):
        # What never started waited until it was ended, or waits still.
        start_s = next(each for each in (job.started_at_s, job.stopped_at_s, end_s) if each is not None)
        if job.runnable_at_s is not None and start_s > job.runnable_at_s:
            bars.setdefault(_WAIT, []).append((row, job.runnable_at_s, start_s))
        for attempt in job.attempts:
            colour = colours[job.group] if attempt.succeeded else _FAILED
            bars.setdefault(colour, []).append((row, attempt.started_at_s, attempt.stopped_at_s))
    for colour, spans in bars.items():
        axes.barh(
            [row for row, _, _ in spans],
            [(stop - start) / scale for _, start, stop in spans],
            left=[start / scale for _, start, _ in spans],
            height=0.35 if colour == _WAIT else 0.8,
            color=colour,
            linewidth=0,
        )
    # Failure is told by a mark as well: red alone is no red to everyone.
    failed = bars.get(_FAILED, [])
    axes.plot([stop / scale for *_, stop in failed], [row for row, *_ in failed], "x", color=_FAILED, markersize=5)
    bands: dict[str, list[int]] = {}
    for row, job in zip(places, rows, strict=True):
        bands.setdefault(job.group, []).append(row)
    # A name needs about 10 points of height; below that names would stand on one another.
    least_rows = max(1.0, height / (axes.get_position().height * axes.figure.get_size_inches()[1] * 72 / 10))
    named: list[tuple[float, str]] = []
    for group, members in bands.items():
        middle = (members[0] + members[-1]) / 2
        if not named or middle - named[-1][0] >= least_rows:
            named.append((middle, group if len(group) <= 28 else f"{group[:27]}…"))
    for above, below in itertools.pairwise(bands.values()):
        axes.axhline((above[-1] + below[0]) / 2, color=_GRID, linewidth=0.5)
    axes.set_yticks([middle for middle, _ in named], [name for _, name in named])
    axes.set_ylim(max(1, height) - 0.5, -0.5)
    axes.set_title("Jobs, a line each", loc="left", fontsize=10, color=_INK)


def _for_page(svg: str, description: str) -> str:
    """The svg element alone, as wide as the page, with CSS variables for colours and its text for screen readers."""
    from html import escape

    svg = svg[svg.index("<svg") :]
    svg = re.sub(r"<metadata>.*?</metadata>", "", svg, flags=re.DOTALL)
    svg = re.sub(r'(<svg[^>]*?) height="[^"]*"', r"\1", svg, count=1)
    svg = re.sub(r'(<svg[^>]*?) width="[^"]*"', r"\1", svg, count=1)
    label = 'role="img" aria-labelledby="picture-title picture-text" class="picture"><title id="picture-title">'
    label += f'Timeline</title><desc id="picture-text">{escape(description)}</desc>'
    svg = re.sub(r"(<svg[^>]*?)>", lambda match: f"{match[1]} {label}", svg, count=1)
    for colour, variable in _VARIABLES.items():
        svg = svg.replace(colour, f"var({variable})")
    return svg


def _describe(run: Run, measures: Measures) -> str:
    limit = f" of at most {run.max_vcpus:,}" if run.max_vcpus else ""
    return (
        f"{words.headline(measures)}. Jobs used up to {words.number(measures.peak_used_vcpus)} vCPUs;"
        f" instances had up to {measures.peak_instance_vcpus:,}{limit}."
        f" Waits for capacity: half of the jobs at most {words.seconds(measures.queue_wait_s.p50)},"
        f" 95% at most {words.seconds(measures.queue_wait_s.p95)}."
    )
