"""The console page in a real browser, where there is one: what it shows is what the stack says."""

from __future__ import annotations

import json
import re
import sys
import urllib.request
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest

sys.path.insert(0, str(Path(__file__).parent))
from browser import NAMES, Browser, find_browser

JOBS = 250
CONTRAST = """(() => {
  const parse = (text) => text.match(/[\\d.]+/g).map(Number);
  const light = (rgb) => rgb.slice(0, 3).map((c) => c / 255).map((c) => c <= 0.03928 ? c / 12.92 : ((c + 0.055) / 1.055) ** 2.4)
    .reduce((sum, c, i) => sum + c * [0.2126, 0.7152, 0.0722][i], 0);
  const behind = (node) => { for (; node; node = node.parentElement) { const found = parse(getComputedStyle(node).backgroundColor);
    if (found.length < 4 || found[3] === 1) return found } return [255, 255, 255] };
  const weak = [];
  for (const node of document.body.querySelectorAll("*")) {
    if (![...node.childNodes].some((each) => each.nodeType === 3 && each.data.trim()) || !node.offsetParent) continue;
    if (node.disabled || node.closest("script, style")) continue;
    const [a, b] = [light(parse(getComputedStyle(node).color)), light(behind(node))].sort((x, y) => y - x);
    const ratio = (a + 0.05) / (b + 0.05);
    if (ratio < 4.5) weak.push(`${node.nodeName}.${node.className} ${ratio.toFixed(2)}: ${node.textContent.slice(0, 40)}`);
  }
  return weak;
})()"""  # noqa: E501
"""What is written with less contrast than WCAG 2.2 AA asks for."""


def control(server: Any, path: str, body: Any = None) -> Any:
    data = None if body is None else json.dumps(body).encode()
    with urllib.request.urlopen(f"{server.address}/_batchiac/{path}", data, timeout=60) as answer:
        return json.load(answer)


def size_of(server: Any, path: str, body: Any = None) -> int:
    """How long an answer is, in KiB."""
    return len(json.dumps(control(server, path, body))) // 1024


@pytest.fixture(scope="module")
def browser(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Browser]:
    path = find_browser()
    if path is None:
        pytest.skip(f"no browser: the console page is tested where one of {', '.join(NAMES)} is on PATH")
    with Browser(path, tmp_path_factory.mktemp("profile")) as opened:
        yield opened


@pytest.fixture(scope="module")
def stack(serve_once: Callable[..., Any]) -> Any:
    """250 jobs have run, one failed twice, an array is half through; one can never be placed, and others wait."""
    server = serve_once("--clock", "virtual")
    iam = server.client("iam")
    iam.create_role(RoleName="ecsInstanceRole", AssumeRolePolicyDocument="{}")
    iam.create_instance_profile(InstanceProfileName="ecsInstanceRole")
    iam.add_role_to_instance_profile(InstanceProfileName="ecsInstanceRole", RoleName="ecsInstanceRole")
    batch = furnish_here(server)
    submit = {"jobQueue": "queue", "jobDefinition": "definition"}
    for number in range(JOBS):
        batch.submit_job(jobName=f"job-{number}", **submit)
    failing = {"command": ["sh", "-c", "echo it begins; exit 3"]}
    server.failing = batch.submit_job(
        jobName="failing", containerOverrides=failing, retryStrategy={"attempts": 2}, **submit
    )["jobId"]
    server.array = batch.submit_job(jobName="array", arrayProperties={"size": 40}, **submit)["jobId"]
    control(server, "clock", {"advance_s": 3600})
    huge = {"resourceRequirements": [{"type": "VCPU", "value": "48"}, {"type": "MEMORY", "value": "128"}]}
    server.stuck = batch.submit_job(jobName="huge", containerOverrides=huge, **submit)["jobId"]
    server.behind = batch.submit_job(jobName="behind", **submit)["jobId"]
    server.after = batch.submit_job(jobName="after", dependsOn=[{"jobId": server.stuck}], **submit)["jobId"]
    control(server, "clock", {"advance_s": 60})
    return server


def furnish_here(server: Any) -> Any:
    """An environment, a queue and a definition, VALID, where projections are on; the server's Batch client."""
    batch, ec2 = server.client("batch"), server.client("ec2")
    batch.create_compute_environment(
        computeEnvironmentName="environment",
        type="MANAGED",
        computeResources={
            "type": "EC2",
            "minvCpus": 0,
            "maxvCpus": 64,
            "instanceTypes": ["m5.large"],
            "subnets": [ec2.describe_subnets()["Subnets"][0]["SubnetId"]],
            "securityGroupIds": [ec2.describe_security_groups()["SecurityGroups"][0]["GroupId"]],
            "instanceRole": "ecsInstanceRole",
        },
    )
    control(server, "clock", {"advance_s": 60})
    order = [{"order": 1, "computeEnvironment": "environment"}]
    batch.create_job_queue(jobQueueName="queue", priority=7, computeEnvironmentOrder=order)
    batch.register_job_definition(
        jobDefinitionName="definition",
        type="container",
        containerProperties={
            "image": "busybox",
            "command": ["sleep", "20"],
            "resourceRequirements": [{"type": "VCPU", "value": "1"}, {"type": "MEMORY", "value": "128"}],
        },
    )
    control(server, "clock", {"advance_s": 60})
    return batch


@pytest.fixture
def page(stack: Any, browser: Browser) -> Browser:
    """The console, at its overview."""
    browser.send("Page.navigate", url="about:blank")
    browser.open(f"{stack.address}/_batchiac/")
    return browser


def test_the_overview_shows_queues_environments_and_the_timeline(stack: Any, page: Browser) -> None:
    """Counts by state, arrays once and their children beside them; capacity; why the first job waits."""
    text = page.text()
    for words in ("environment", "VALID", str(JOBS + 1), "+ 40", "vCPUs of all environments", "123456789012 us-east-1"):
        assert words in text
    (queue,) = control(stack, "state")["places"][0]["queues"]
    assert queue["jobs"] == {"SUCCEEDED": JOBS + 1, "FAILED": 1, "RUNNABLE": 2, "PENDING": 1}
    assert queue["parts"] == {"SUCCEEDED": 40}
    assert queue["blocked"] in text
    labels = page.run("[...document.querySelectorAll('svg')].map((each) => each.getAttribute('aria-label'))")
    assert any(
        re.search(r"Jobs and children from .* running: 0 now, at most 64\. runnable: 2 now", each) for each in labels
    )
    assert page.complaints == []


def test_nothing_is_loaded_from_elsewhere(page: Browser) -> None:
    """Every address that the page has asked for is the server's own, and the policy forbids the rest."""
    asked = page.run("performance.getEntriesByType('resource').map((each) => new URL(each.name).origin)")
    assert set(asked) == {page.run("location.origin")}
    from importlib.resources import files

    text = files("batchiac.local.server").joinpath("console.html").read_text("utf-8")
    assert set(re.findall(r"https?://[^\"'\s`]+", text)) == {"http://www.w3.org/2000/svg"}
    assert not {"innerHTML", "insertAdjacentHTML", "document.write"} & set(re.findall(r"[\w.]+", text))


def test_an_environment_shows_how_it_scaled(stack: Any, page: Browser) -> None:
    """Desired, least and most vCPUs over time; its instances while it has some."""
    page.go("#/environment/environment")
    text = page.text()
    for words in ("0 to 64", "desired: 0 now, at most 64", "maxvCpus 64", "There is no instance now."):
        assert words in text
    found = control(stack, "environment/123456789012/us-east-1/environment")["timeline"]
    assert (max(found["vcpus"]), found["vcpus"][-1], set(found["max"])) == (64, 0, {64})
    page.go("#/environment/nope")
    assert "there is no compute environment 'nope'" in page.text()


def test_a_queue_is_listed_in_pages(page: Browser) -> None:
    """One hundred jobs a page, there and back; by name over all states."""
    names = "[...document.querySelectorAll('tbody th a')].map((each) => each.textContent)"
    page.go("#/queue/queue/SUCCEEDED")
    first = page.run(names)
    assert (len(first), first[0]) == (100, "job-0")
    page.run("document.getElementById('next').click()")
    page.until("document.body.innerText.includes('page 2')")
    assert not set(first) & set(page.run(names))
    page.run("document.getElementById('previous').click()")
    page.until("document.body.innerText.includes('page 1,')")
    assert page.run(names) == first
    page.run(
        "document.getElementById('names').value = 'job-24'; document.querySelector('[data-names]').requestSubmit()"
    )
    page.until("location.hash.endsWith('/job-24') && document.body.innerText.includes('In every state')")
    assert page.run(names) == [*(f"job-{number}" for number in range(249, 239, -1)), "job-24"]


def test_a_job_shows_its_history_and_its_log(stack: Any, page: Browser) -> None:
    """Every state with its time, attempts with exit codes, the reason, and the log of each attempt."""
    page.go(f"#/job/{stack.failing}")
    text = page.text()
    assert "exit code 3 · Essential container in task exited" in text
    steps = [each["status"] for each in control(stack, f"history/123456789012/us-east-1/{stack.failing}")["steps"]]
    assert steps == ["RUNNABLE", *["STARTING", "RUNNING", "RUNNABLE", "STARTING", "RUNNING"], "FAILED"]
    assert page.run("document.getElementById('log').textContent").endswith("it begins")
    newest = page.run("document.querySelector('[data-stream][aria-current]').textContent")
    page.run("document.querySelector('[data-stream]').click()")
    page.until("document.querySelector('[data-stream]').hasAttribute('aria-current')")
    assert newest == "attempt 2"


def test_an_array_leads_to_its_children(stack: Any, page: Browser) -> None:
    """Counts by state, each a list; a child leads back to its array."""
    page.go(f"#/job/{stack.array}")
    page.run("[...document.querySelectorAll('nav a')].find((each) => each.innerText === 'SUCCEEDED 40').click()")
    page.until("document.querySelectorAll('tbody th a').length === 40")
    page.run("document.querySelectorAll('tbody th a')[7].click()")
    page.until("document.querySelector('h2').innerText.startsWith('Job array')")
    assert f"{stack.array}:7" in page.text()
    assert page.run(f"Boolean(document.querySelector('dd a[href=\"#/job/{stack.array}\"]'))")


def test_a_job_says_why_it_waits(stack: Any, page: Browser) -> None:
    """One that no instance can hold, one behind it, and one that depends on it."""
    why = "document.getElementById('why').innerText"
    page.go(f"#/job/{stack.stuck}")
    assert page.run(why).startswith("Why it waits: MISCONFIGURATION:JOB_RESOURCE_REQUIREMENT")
    page.go(f"#/job/{stack.behind}")
    assert page.run(why).startswith("Why it waits: In its queue one job is ahead of it; the first of them waits: MISC")
    page.go(f"#/job/{stack.after}")
    assert page.run(why) == "Why it waits: It waits for 1 of 1 job: huge (RUNNABLE)"
    page.go("#/job/00000000-0000-0000-0000-000000000000")
    assert "There is no job 00000000" in page.text()


def test_the_page_is_live_and_leaves_the_reader_alone(stack: Any, page: Browser) -> None:
    """What happens shows by itself; what did not change is not touched: focus, typed text and selection stay."""
    page.go("#/queue/queue/RUNNABLE")
    page.run("{ const box = document.getElementById('names'); box.focus(); box.value = 'half a wo'; }")
    page.run(
        "document.querySelector('tbody th').dataset.mark = 'same'; window.kept = document.querySelector('tbody th')"
    )
    new = stack.client("batch").submit_job(jobName="new-one", jobQueue="queue", jobDefinition="definition")["jobId"]
    control(stack, "clock", {"advance_s": 2})
    page.until("document.body.innerText.includes('new-one')")
    assert page.run("[document.activeElement.id, document.activeElement.value]") == ["names", "half a wo"]
    assert page.run("window.kept.isConnected")
    stack.client("batch").terminate_job(jobId=new, reason="seen")
    control(stack, "clock", {"advance_s": 2})
    page.until("!document.body.innerText.includes('new-one')")


def test_the_clock_is_moved_from_the_page(stack: Any, page: Browser) -> None:
    """A virtual clock has buttons, and the page shows the time that they made."""
    before = control(stack, "state")["now_ms"]
    page.run("document.querySelector('[data-advance=\"60\"]').click()")
    seen = f"document.getElementById('clock').textContent === new Date({before} + 60000).toISOString()"
    page.until(f"{seen}.replace('T', ' ').slice(0, 19)")
    assert control(stack, "state")["now_ms"] == before + 60_000


def test_the_keyboard_is_enough(stack: Any, page: Browser) -> None:
    """Tab reaches the content past a skip link; / leads to the search; Enter to a job, whose heading has the focus."""
    page.press("Tab", 9)
    assert page.run("document.activeElement.id") == "skip"
    page.press("Enter", 13, "\r")
    assert page.run("document.activeElement.id") == "page"
    page.press("Tab", 9)
    assert page.run("document.activeElement.closest('main') !== null && document.activeElement.nodeName") == "A"
    page.press("/", 191, "/")
    assert page.run("document.activeElement.id") == "wanted"
    page.send("Input.insertText", text=stack.failing)
    page.press("Enter", 13, "\r")
    page.until(f"document.querySelector('main').dataset.ready === '#/job/{stack.failing}'")
    assert page.run("document.activeElement.nodeName + document.title").startswith("H2failing")


def test_everything_that_acts_has_a_name(stack: Any, page: Browser) -> None:
    """No link, button or field without a name for a screen reader; tables have heads."""
    for route in ("#/", "#/queue/queue/SUCCEEDED", "#/environment/environment", f"#/job/{stack.failing}"):
        page.go(route)
        tree = page.send("Accessibility.getFullAXTree")["nodes"]
        acting = [
            each
            for each in tree
            if not each.get("ignored")
            and each["role"]["value"] in ("link", "button", "textbox", "searchbox", "combobox", "image", "table")
        ]
        assert len(acting) > 5
        nameless = [each for each in acting if each["role"]["value"] != "table" and not each["name"]["value"].strip()]
        assert nameless == []
        assert page.run("[...document.querySelectorAll('table')].every((each) => each.querySelector('th[scope=col]'))")


@pytest.mark.parametrize("scheme", ["light", "dark"])
def test_it_can_be_read_in_light_and_dark(stack: Any, page: Browser, scheme: str) -> None:
    """All text has the contrast that WCAG 2.2 AA asks for, in both colour schemes."""
    page.send("Emulation.setEmulatedMedia", features=[{"name": "prefers-color-scheme", "value": scheme}])
    for route in ("#/queue/queue/FAILED", f"#/job/{stack.stuck}", f"#/job/{stack.failing}", "#/"):
        page.go(route)
        assert page.run(CONTRAST) == []
    dark = page.run("getComputedStyle(document.body).backgroundColor.match(/\\d+/g).map(Number)[0] < 128")
    assert dark is (scheme == "dark")
    page.send("Emulation.setEmulatedMedia", features=[])


def test_an_empty_stack_says_how_to_begin(
    serve: Callable[..., Any], furnish: Callable[[Any], Any], browser: Browser
) -> None:
    """The address to point a client at, before anything is there; then the region in which something is, until the
    reader chooses another."""
    server = serve("--clock", "virtual", "--no-projections")
    browser.open(f"{server.address}/_batchiac/")
    assert "Nothing has used AWS Batch here yet" in browser.text()
    assert f"AWS_ENDPOINT_URL={server.address}" in browser.text()
    server.client("batch").describe_job_queues()
    browser.until("document.body.innerText.includes('There is no job queue.')")
    control(server, "api/123456789012/ap-south-1/DescribeJobQueues", {})
    place = "document.getElementById('place')"
    browser.until(f"{place}.options.length === 2 && {place}.selectedIndex === 1")
    browser.run(f"{place}.selectedIndex = 0")
    furnish(server)
    browser.until(f"{place}.selectedIndex === 1 && document.body.innerText.includes('environment')")
    browser.run(f"{place}.selectedIndex = 0; {place}.dispatchEvent(new Event('change'))")
    browser.until("document.body.innerText.includes('There is no job queue.')")
    assert browser.run(f"{place}.value") == "123456789012 ap-south-1"


def test_a_server_that_goes_away_is_said_and_found_again(
    serve: Callable[..., Any], furnish: Callable[[Any], Any], browser: Browser, tmp_path: Path
) -> None:
    """The last that was seen stays, marked as old; when the server is there again the page goes on by itself."""
    flags = ("--clock", "virtual", "--no-projections", "--data", str(tmp_path / "data"))
    server = serve(*flags)
    furnish(server)
    browser.open(f"{server.address}/_batchiac/")
    server.kill()
    browser.until("document.getElementById('problem').classList.contains('shown')")
    text = browser.text()
    assert "The server does not answer. What you see is from" in text
    assert "not connected" in text
    assert "queue" in browser.run("document.querySelector('main.stale tbody').innerText")
    assert browser.run(CONTRAST.replace("document.body", "document.getElementById('problem')")) == []
    serve(*flags, "--port", server.address.rpartition(":")[2])
    browser.run("document.getElementById('again').click()")
    browser.until("document.getElementById('live').textContent === 'live' && !document.querySelector('main.stale')")
    assert not browser.run("document.getElementById('problem').classList.contains('shown')")


def test_100_000_jobs_are_shown(serve: Callable[..., Any], furnish: Callable[[Any], Any], browser: Browser) -> None:
    """Whatever their number, an answer has a few KiB and the page a few hundred elements."""
    server = serve("--clock", "virtual", "--no-projections")
    batch = furnish(server)
    submit = {"jobQueue": "queue", "jobDefinition": "definition"}
    arrays = [
        batch.submit_job(jobName=f"array-{number}", arrayProperties={"size": 10_000}, **submit)["jobId"]
        for number in range(10)
    ]
    for number in range(200):
        batch.submit_job(jobName=f"job-{number}", **submit)
    control(server, "clock", {"advance_s": 180})
    place = "123456789012/us-east-1"
    assert size_of(server, "state") <= 8
    assert size_of(server, f"timeline/{place}") <= 32
    assert size_of(server, f"environment/{place}/environment") <= 64
    children = {"arrayJobId": arrays[0], "jobStatus": "RUNNABLE", "maxResults": 100}
    assert 1 < size_of(server, f"api/{place}/ListJobs", children) <= 64
    browser.send("Page.navigate", url="about:blank")
    browser.complaints.clear()
    browser.open(f"{server.address}/_batchiac/")
    (queue,) = control(server, "state")["places"][0]["queues"]
    assert sum(queue["parts"].values()) == 100_000
    assert f"+ {queue['parts']['RUNNABLE']:,}" in browser.text()
    for route in ("#/queue/queue/RUNNABLE", f"#/job/{arrays[0]}", f"#/parts/{arrays[0]}/RUNNABLE", "#/"):
        browser.go(route)
        assert browser.run("document.querySelectorAll('*').length") < 2_500
    looks = "Number(document.querySelector('main').dataset.looks)"
    seen = browser.run(looks)
    control(server, "clock", {"advance_s": 60})
    browser.until(f"{looks} > {seen} + 1")
    assert browser.complaints == []
