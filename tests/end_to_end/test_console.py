"""The console page in a real browser, where there is one: what it shows is what the stack says."""

from __future__ import annotations

import json
import re
import shutil
import subprocess
import urllib.request
from collections.abc import Callable
from html.parser import HTMLParser
from pathlib import Path
from typing import Any

import pytest

NAMES = ("chromium", "chromium-browser", "google-chrome", "chrome")
JOBS = 250


class Text(HTMLParser):
    """A document's text, and the targets of its links."""

    def __init__(self, document: str) -> None:
        super().__init__()
        self.words: list[str] = []
        self.links: list[str] = []
        self._hidden = 0
        self.feed(document)

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        self._hidden += tag in ("script", "style")
        self.links += [value or "" for name, value in attrs if name == "href"]

    def handle_endtag(self, tag: str) -> None:
        self._hidden -= tag in ("script", "style")

    def handle_data(self, data: str) -> None:
        if not self._hidden:
            self.words.append(data)

    @property
    def text(self) -> str:
        return re.sub(r"\s+", " ", " ".join(self.words))


def control(server: Any, path: str, body: Any = None) -> Any:
    data = None if body is None else json.dumps(body).encode()
    with urllib.request.urlopen(f"{server.address}/_batchiac/{path}", data, timeout=60) as answer:
        return json.load(answer)


@pytest.fixture
def look(tmp_path: Path) -> Callable[[str], Text]:
    """`look(url)` → the page as the browser has drawn it."""
    browser = next((path for name in NAMES if (path := shutil.which(name))), None)
    if browser is None:
        pytest.skip(f"no browser: the console page is tested where one of {', '.join(NAMES)} is on PATH")

    def draw(url: str) -> Text:
        command = [
            *(browser, "--headless", "--no-sandbox", "--disable-gpu", "--disable-dev-shm-usage"),
            *(f"--user-data-dir={tmp_path / 'profile'}", "--virtual-time-budget=3000", "--dump-dom", url),
        ]
        ended = subprocess.run(command, capture_output=True, text=True, timeout=120, check=True)
        return Text(ended.stdout)

    return draw


@pytest.fixture(scope="module")
def stack(serve_once: Callable[..., Any], furnish: Callable[[Any], Any]) -> Any:
    """A stack on which 250 jobs have run, one fails, one waits for another, and one can never be placed."""
    server = serve_once("--clock", "virtual", "--no-projections")
    batch = furnish(server)
    submit = {"jobQueue": "queue", "jobDefinition": "definition"}
    for number in range(JOBS):
        batch.submit_job(jobName=f"job-{number}", **submit)
    server.failing = batch.submit_job(jobName="failing", containerOverrides={"command": ["false"]}, **submit)["jobId"]
    control(server, "clock", {"advance_s": 3600})
    huge = {"resourceRequirements": [{"type": "VCPU", "value": "48"}, {"type": "MEMORY", "value": "128"}]}
    server.stuck = batch.submit_job(jobName="huge", containerOverrides=huge, **submit)["jobId"]
    server.after = batch.submit_job(jobName="after", dependsOn=[{"jobId": server.stuck}], **submit)["jobId"]
    control(server, "clock", {"advance_s": 60})
    return server


def test_the_overview_shows_queues_environments_and_the_timeline(stack: Any, look: Callable[[str], Text]) -> None:
    """Counts by state, capacity, and why the first job waits; nothing is loaded from elsewhere."""
    page = look(f"{stack.address}/_batchiac/")
    for words in ("queue", "environment", "VALID", str(JOBS), "vCPUs (0 to 64)", "running jobs (peak", "123456789012"):
        assert words in page.text
    (queue,) = control(stack, "state")["places"][0]["queues"]
    assert queue["jobs"] == {"SUCCEEDED": JOBS, "FAILED": 1, "RUNNABLE": 1, "PENDING": 1}
    assert queue["blocked"]
    assert queue["blocked"] in page.text
    assert all(link.startswith(("#/", "data:")) for link in page.links)


def test_a_queue_is_listed_in_pages(stack: Any, look: Callable[[str], Text]) -> None:
    """One hundred jobs a page, paged by the server."""
    page = look(f"{stack.address}/_batchiac/#/queue/queue/SUCCEEDED")
    names = re.findall(r"job-\d+", page.text)
    assert (len(set(names)), names[0]) == (100, "job-0")
    assert "next page" in page.text


def test_a_job_shows_its_history_and_why_it_failed(stack: Any, look: Callable[[str], Text]) -> None:
    """Times, attempts, exit code, reason."""
    page = look(f"{stack.address}/_batchiac/#/job/{stack.failing}")
    for words in ("FAILED", "created", "started", "stopped", "Essential container in task exited"):
        assert words in page.text


def test_a_job_says_why_it_waits(stack: Any, look: Callable[[str], Text]) -> None:
    """A job that no instance can hold, and one that depends on it."""
    assert "Why it waits:" in look(f"{stack.address}/_batchiac/#/job/{stack.stuck}").text
    after = look(f"{stack.address}/_batchiac/#/job/{stack.after}").text
    assert "It waits for 1 of 1 jobs: huge ( RUNNABLE )" in after


def test_the_page_is_one_file_without_foreign_resources() -> None:
    """No address but the server's own: it works offline, and its policy forbids the rest."""
    from importlib.resources import files

    page = files("batchiac.local.server").joinpath("console.html").read_text("utf-8")
    assert re.findall(r"https?://[^\"'\s]+", page) == ["http://www.w3.org/2000/svg"]
    assert "innerHTML" not in page
