"""Findings in four forms, against golden files (BATCHIAC_UPDATE_GOLDEN=1 writes them anew), and their limits."""

from __future__ import annotations

import io
import json
import os
import re
from pathlib import Path

import pytest

from batchiac.review.findings_json import findings_to_dict, render_json
from batchiac.review.findings_markdown import MAX_CHARACTERS, render_markdown
from batchiac.review.findings_report import FindingsReport
from batchiac.review.findings_sarif import findings_to_sarif, render_sarif
from batchiac.review.findings_terminal import print_findings
from batchiac.rules.finding import Finding, Level
from batchiac.rules.suppress import Suppression

GOLDEN = Path(__file__).parents[1] / "golden" / "lint"
SOURCE = "https://docs.aws.amazon.com/batch/latest/APIReference/API_ComputeResource.html"


def finding(
    rule_id: str = "CE013",
    level: Level = Level.ERROR,
    resource: str = "spot",
    path: str = "computeResources.bidPercentage",
    message: str = "computeResources.bidPercentage is 120; 0 to 100 are allowed; lower it",
    unknown: bool = False,
    aws_message: str = "",
    kind: str = "ComputeEnvironment",
) -> Finding:
    """One finding; every field has a value that a test need not care about."""
    return Finding(
        rule_id, level, kind, resource, path, message, SOURCE, "unknown" if unknown else "broken", aws_message
    )


REPORT = FindingsReport(
    "plans/night.json",
    "Terraform plan",
    4,
    (
        finding(aws_message="Bid percentage must be between 0 to 100."),
        finding("CE019", Level.ADVICE, message="computeResources.instanceTypes[0] is 'optimal'; it moved; name it"),
        finding("JQ004", Level.WARNING, "a|b <img src=x> @team", "priority", "priority is 5; x; y", kind="JobQueue"),
        finding("CE026", path="computeResources.instanceRole", unknown=True, message="instanceRole is not yet known"),
        finding("CE027", path="computeResources.instanceRole", unknown=True, message="instanceRole is not yet known"),
    ),
    ((finding("CE024"), Suppression("CE024", "spot", "the nodes talk over EFS only")),),
    (Suppression("CE099", "*", "an old decision"),),
    ("aws_batch_job_queue.x: no rule is about it",),
    {"spot": 12},
)


def rendered(form: str, report: FindingsReport = REPORT) -> str:
    """The report in one form."""
    if form == "txt":
        stream = io.StringIO()
        print_findings(report, stream)
        return stream.getvalue()
    return {"json": render_json, "sarif": render_sarif, "md": render_markdown}[form](report)


@pytest.mark.parametrize("form", ["txt", "json", "sarif", "md"])
def test_each_form_is_as_its_golden_file(form: str) -> None:
    """The rendering of a fixed report changes only when somebody means it to."""
    path = GOLDEN / f"report.{form}"
    text = rendered(form)
    if os.environ.get("BATCHIAC_UPDATE_GOLDEN"):
        path.write_text(text, encoding="utf-8")
    assert text == path.read_text(encoding="utf-8")


def test_the_json_names_its_schema_and_what_could_not_be_checked() -> None:
    """A reader of the JSON sees the version, the counts, and every value that waits."""
    value = json.loads(rendered("json"))
    assert value["schema"] == 1
    assert value["summary"] == {
        "errors": 1,
        "warnings": 1,
        "advice": 1,
        "not_yet_known": 2,
        "suppressed": 1,
        "unused_suppressions": 1,
    }
    assert {each["rule"] for each in value["not_yet_known"]} == {"CE026", "CE027"}
    assert value["findings"][0]["line"] == 12


def test_sarif_has_what_version_2_1_0_demands() -> None:
    """Each result has a known rule, a level that goes with its kind, and a location; a suppression says why."""
    log = findings_to_sarif(REPORT)
    run = log["runs"][0]
    rules = run["tool"]["driver"]["rules"]
    assert log["version"] == "2.1.0"
    for result in run["results"]:
        assert rules[result["ruleIndex"]]["id"] == result["ruleId"]
        assert (result["kind"] == "fail") != (result["level"] == "none")
        assert result["locations"][0]["physicalLocation"]["region"]["startLine"] >= 1
    assert [each["suppressions"][0]["justification"] for each in run["results"] if "suppressions" in each] == [
        "the nodes talk over EFS only"
    ]


def test_a_fingerprint_stays_when_only_the_value_changes() -> None:
    """Code scanning tracks a finding over commits: another wrong value is the same finding."""
    first, second = (
        findings_to_sarif(FindingsReport("p", "x", 1, (finding(message=f"is {number}; a; b"),)))
        for number in (120, 130)
    )
    assert (
        first["runs"][0]["results"][0]["partialFingerprints"] == second["runs"][0]["results"][0]["partialFingerprints"]
    )


def test_markdown_fits_a_comment_and_says_what_was_cut() -> None:
    """Ten thousand findings become a comment of GitHub's size, errors first, the rest counted."""
    many = [finding("CE019", Level.ADVICE, f"r{each}") for each in range(5_000)]
    many += [finding("CE013", Level.ERROR, f"e{each}") for each in range(5_000)]
    text = rendered("md", FindingsReport("p.json", "Terraform plan", 9, tuple(many)))
    assert len(text) <= MAX_CHARACTERS < 65_536
    assert "<code>ComputeEnvironment e0</code>" in text
    cut = re.search(r"not shown: (\d+) of Errors, 5000 of Advice", text)
    assert cut is not None
    assert text.count("<details>") == text.count("</details>")
    shown = text.count("**CE013**")
    assert shown + int(cut[1]) == 5_000


def test_a_huge_message_does_not_burst_the_comment() -> None:
    """One endless value is cut, and the comment holds."""
    text = rendered("md", FindingsReport("p", "x", 1, (finding(message="a is " + "<" * 500_000 + "; b; c"),)))
    assert len(text) <= MAX_CHARACTERS


def test_markdown_lets_no_name_become_markup() -> None:
    """Tags, mentions and table pipes in a resource's name are shown, not obeyed."""
    text = rendered("md")
    assert "<img" not in text
    assert not re.search(r"@team(?!</code>)", text)


def test_a_terminal_gets_colour_and_a_pipe_does_not() -> None:
    """Escape codes appear only where somebody watches."""
    stream = io.StringIO()
    print_findings(REPORT, stream, force_terminal=True)
    assert "\x1b[" in stream.getvalue() or os.environ.get("NO_COLOR") or os.environ.get("TERM") == "dumb"
    assert "\x1b[" not in rendered("txt")


def test_a_name_cannot_steer_the_terminal() -> None:
    """Control characters of a document are printed as their escapes, and brackets are no markup."""
    text = rendered(
        "txt", FindingsReport("p", "x", 1, (finding(resource="a\x1b[2J[red]b", message="\x07 is 1; b; c"),))
    )
    assert "\x1b" not in text
    assert "\x07" not in text
    assert "\\x1b[2J[red]b" in text


def test_findings_are_grouped_by_resource() -> None:
    """A resource's findings stand together under its name, most severe first."""
    lines = rendered("txt").splitlines()
    heading = next(number for number, line in enumerate(lines) if line.startswith("ComputeEnvironment spot"))
    assert "CE013" in lines[heading + 1]
    assert [line.split()[1] for line in lines if line.startswith("  advice")] == ["CE019"]


def test_an_empty_report_says_so() -> None:
    """No finding is one line, and stops nothing."""
    report = FindingsReport("p", "Terraform plan", 2)
    assert not report.stops
    assert rendered("txt", report).strip() == "Terraform plan: 0 errors, 0 warnings, 0 advice in 2 resources"
    assert findings_to_dict(report)["findings"] == []
