"""The three reports of the run made by hand, held by golden files (BATCHIAC_WRITE_GOLDEN=1 writes them anew)."""

from __future__ import annotations

import io
import json
import os
import re
from html.parser import HTMLParser
from pathlib import Path

import pytest
from attrs import evolve
from rich.console import Console

from batchiac.model.price import PriceTable
from batchiac.verify.measure import UsePoint, measure
from batchiac.verify.report.html import run_as_html
from batchiac.verify.report.json import run_as_json, thin_use
from batchiac.verify.report.picture import MOST_ROWS, Picture, draw_picture
from batchiac.verify.report.terminal import print_run
from batchiac.verify.report.words import dollars, seconds, short
from batchiac.verify.trace import Attempt, JobRun, Run
from batchiac.verify.workload import Task, Workload

GOLDEN = Path(__file__).parents[2] / "golden" / "verify"


def _hold(name: str, text: str) -> None:
    path = GOLDEN / name
    if os.environ.get("BATCHIAC_WRITE_GOLDEN"):
        path.write_text(text, encoding="utf-8")
    assert text == path.read_text(encoding="utf-8")


def test_json_has_the_names_that_are_promised(run: Run, prices: PriceTable) -> None:
    """DESIGN's names are there with DESIGN's meaning, and the rest as it was."""
    value = run_as_json(run, measure(run, prices))
    assert value["jobs"]["submitted"] == 8
    assert value["makespan_s"] == 430
    assert set(value["queue_wait_s"]) >= {"p50", "p95"}
    assert value["cost"]["price_date"] == "2026-01-02"
    assert value["stuck"] == [{"job": "vast (RUNNABLE)", "reason": run.stuck[0].reason, "jobs": 1}]
    _hold("run.json", json.dumps(value, indent=2) + "\n")


@pytest.mark.parametrize("width", [80, 120])
def test_the_terminal_summary(run: Run, prices: PriceTable, width: int) -> None:
    """Plain lines where there is no terminal, no wider than asked for, and nothing left out that failed."""
    out = io.StringIO()
    print_run(Console(file=out, width=width, color_system=None), run, measure(run, prices))
    text = "\n".join(line.rstrip() for line in out.getvalue().splitlines()) + "\n"
    assert max(len(line) for line in text.splitlines()) <= width
    if width == 80:
        _hold("run.txt", text)


def test_a_run_that_went_well_is_green(run: Run, prices: PriceTable) -> None:
    """No table of failures where nothing failed."""
    good = evolve(run, jobs=run.jobs[:5], stuck=())
    out = io.StringIO()
    print_run(Console(file=out, width=100, color_system=None), good, measure(good, prices))
    assert "All 5 jobs succeeded in 6 min 40 s" in out.getvalue()
    assert "Failed" not in out.getvalue()
    assert "Stuck" not in out.getvalue()


def test_the_page_without_its_picture(run: Run, prices: PriceTable) -> None:
    """The page's words and structure; the picture has a test of its own, because its bytes are matplotlib's."""
    picture = Picture("<svg></svg>", "what it shows", (("align", "--g0"),), 3)
    _hold("run.html", run_as_html(run, measure(run, prices), picture))


class _Page(HTMLParser):
    """What a page loads, runs and labels."""

    def __init__(self) -> None:
        super().__init__()
        self.tags: list[str] = []
        self.loaded: list[str] = []
        self.ids: list[str] = []
        self.cells_without_scope = 0

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        known = dict(attrs)
        self.tags.append(tag)
        if known.get("id"):
            self.ids.append(str(known["id"]))
        self.loaded += [
            str(value)
            for name, value in attrs
            if name in ("src", "href", "xlink:href") and value and not value.startswith("#")
        ]
        self.cells_without_scope += tag == "th" and "scope" not in known


@pytest.fixture
def page(run: Run, prices: PriceTable) -> str:
    """The whole page, picture and all."""
    found = measure(run, prices)
    return run_as_html(run, found, draw_picture(run, found))


def test_the_page_stands_alone(page: str) -> None:
    """No script, nothing loaded from elsewhere, no address in the styles, one language, each id once."""
    parsed = _Page()
    parsed.feed(page)
    assert parsed.loaded == []
    assert not {"script", "link", "iframe", "img"} & set(parsed.tags)
    assert "@import" not in page
    assert re.findall(r"url\((?!#)", page) == []
    assert '<html lang="en">' in page
    assert parsed.cells_without_scope == 0
    assert len(parsed.ids) == len(set(parsed.ids))


def test_the_page_escapes_what_comes_from_outside(page: str) -> None:
    """A workload's name is text, whatever is in it."""
    assert "small &lt;night&gt;" in page
    assert "<night>" not in page


def test_the_picture_follows_the_page(page: str) -> None:
    """Its colours are the page's variables, so that light, dark and print each have theirs; its text is text."""
    svg = page[page.index("<svg") : page.index("</svg>")]
    style = svg.replace("#000000", "")
    assert "var(--g0)" in svg
    assert "var(--bad)" in svg
    assert re.findall(r"#00[0-9a-f]{2}a[12]", style) == []
    assert 'role="img"' in svg
    assert "<desc" in svg
    assert ">vCPUs</text>" in svg


def test_the_same_run_gives_the_same_page(run: Run, prices: PriceTable) -> None:
    """No clock, no random id: two drawings are equal byte for byte."""
    found = measure(run, prices)
    assert draw_picture(run, found) == draw_picture(run, found)


def test_a_run_of_many_jobs_leaves_some_out_and_says_so(run: Run, prices: PriceTable) -> None:
    """More jobs than the picture has lines: drawn evenly, and the rest counted."""
    many = tuple(
        JobRun(f"j{n}", "align", "align", 1, 0.0, 0.0, (Attempt(n, n + 10, True),), "SUCCEEDED", n + 10)
        for n in range(MOST_ROWS + 1)
    )
    wide = Workload("wide", "by hand", (Task("align", array_size=MOST_ROWS + 1),))
    big = evolve(run, workload=wide, jobs=many, stuck=())
    picture = draw_picture(big, measure(big, prices))
    assert picture.left_out == MOST_ROWS // 2
    assert len(picture.svg) < 2_000_000


def test_a_run_without_a_job_has_a_page(run: Run, prices: PriceTable) -> None:
    """Nothing ran, nothing is drawn, nothing fails."""
    nothing = evolve(run, jobs=(), instances=(), stuck=())
    found = measure(nothing, prices)
    assert "</html>" in run_as_html(nothing, found, draw_picture(nothing, found))


def test_thinning_keeps_the_peak_and_the_ends() -> None:
    """Of a million changes a few hundred points remain, the highest among them."""
    use = tuple(UsePoint(float(at), at % 97 if at != 501 else 1000, 0) for at in range(10_000))
    thin = thin_use(use, 100)
    assert len(thin) <= 100
    assert (thin[0], thin[-1]) == (use[0], use[-1])
    assert max(each.used_vcpus for each in thin) == 1000
    assert thin == tuple(sorted(thin, key=lambda each: each.at_s))


def test_times_and_amounts_in_words() -> None:
    """Two units at most, and no false precision."""
    assert [seconds(each) for each in (None, 0, 9.94, 59.4, 59.6, 3599.6, 7_260, 200_000)] == [
        "–", "0.0 s", "9.9 s", "59 s", "1 min 00 s", "1 h 00 min", "2 h 01 min", "2 d 07 h",
    ]  # fmt: skip
    assert short(185) == "3m05s"
    assert [dollars(each) for each in (None, 0.0, 0.0123, 1234.5)] == ["no price", "$0.00", "$0.0123", "$1,234.50"]
