"""The page: one file without scripts or anything loaded from elsewhere, from `report.html.jinja` beside this module."""

from __future__ import annotations

from batchiac import __version__
from batchiac.verify.measure import Measures
from batchiac.verify.report import words
from batchiac.verify.report.picture import Picture
from batchiac.verify.trace import Run

ROWS_SHOWN = 200
"""Rows of the tables of failed and stuck jobs; the page says how many there are, JSON has all."""


def run_as_html(run: Run, measures: Measures, picture: Picture) -> str:
    """The whole page. The same run gives the same bytes: no clock is read."""
    from jinja2 import Environment, PackageLoader, StrictUndefined

    environment = Environment(
        loader=PackageLoader("batchiac.verify.report", "."),
        # Names of jobs and reasons come from files and programs: everything is escaped but the picture, which is ours.
        autoescape=True,
        undefined=StrictUndefined,
        trim_blocks=True,
        lstrip_blocks=True,
    )
    template = environment.get_template("report.html.jinja")
    return template.render(
        run=run, measures=measures, picture=picture, words=words, rows_shown=ROWS_SHOWN, version=__version__
    )
