"""`batchiac lint`: somebody's plan, template or request against the documented rules. Reads, checks, prints, exits."""

from __future__ import annotations

import sys
from typing import TYPE_CHECKING, Any

import click

from batchiac.errors import FindingsError, UsageError

if TYPE_CHECKING:
    from batchiac.review.findings_report import FindingsReport
    from batchiac.rules.finding import Finding
    from batchiac.rules.read.document import Document
    from batchiac.rules.suppress import Suppression

FORMATS = ("terminal", "json", "sarif", "markdown")


@click.command()
@click.argument("words", nargs=-1, required=True, metavar="FILE | request OPERATION FILE")
@click.option("--format", "form", type=click.Choice(FORMATS), help="How the findings are written (default: terminal).")
@click.option("--json", "as_json", is_flag=True, help="The same as --format json.")
@click.option("--stack", help="The stack whose config says which findings are accepted (batchiac:suppress).")
@click.option("--cwd", default=".", help="The project's folder, for --stack.")
def command(words: tuple[str, ...], form: str | None, as_json: bool, stack: str | None, cwd: str) -> None:
    """Check FILE (- is standard input) against the documented rules of AWS Batch; nothing in it is executed.

    FILE is a Pulumi preview (`pulumi preview --json`), a Terraform plan (`terraform show -json PLAN`) or a
    CloudFormation template (JSON or YAML). With `request`, FILE holds one request to the API as JSON:
    `batchiac lint request CreateComputeEnvironment FILE.json`.
    """
    if as_json and form not in (None, "json"):
        raise UsageError(f"--json and --format {form} contradict each other: give one of them")
    if len(words) == 3 and words[0] == "request":
        report = _lint_request(words[1], words[2], stack, cwd)
    elif len(words) == 1:
        report = _lint_document(words[0], stack, cwd)
    else:
        raise UsageError("give one FILE, or: request OPERATION FILE")
    _write(report, "json" if as_json else form or "terminal")
    stopping = [each for each in report.findings if each.stops]
    if stopping:
        raise FindingsError(stopping)


def _lint_document(path: str, stack: str | None, cwd: str) -> FindingsReport:
    from batchiac.rules import check_stack
    from batchiac.rules.read.guard import read_file
    from batchiac.rules.read.recognize import read_document
    from batchiac.rules.suppress import CONFIG_KEY, parse_suppressions

    document = read_document(read_file(path))
    # A preview carries its stack's config, so that it needs no --stack.
    accepted = _stack_suppressions(stack, cwd) if stack else parse_suppressions(document.config.get(CONFIG_KEY))
    findings = check_stack(document.declared) + _update_policy_findings(document)
    return _report(
        path,
        document.what,
        len(document.declared),
        findings,
        accepted,
        notes=document.notes,
        lines=dict(document.lines),
    )


def _update_policy_findings(document: Document) -> list[Finding]:
    """Findings about updatePolicy, which a plan says of the environment and the API takes with an update."""
    from attrs import evolve

    from batchiac.rules import check_request

    findings = []
    for each in document.declared:
        policy = document.update_policies.get(each.name)
        if each.kind != "ComputeEnvironment" or policy is None:
            continue
        request = {"computeEnvironment": each.name, "updatePolicy": policy}
        findings += [
            evolve(finding, resource=each.name)
            for finding in check_request("UpdateComputeEnvironment", request, current=each.inputs)
            if finding.property.startswith("updatePolicy")
        ]
    return findings


def _lint_request(operation: str, path: str, stack: str | None, cwd: str) -> FindingsReport:
    from batchiac.rules import check_request
    from batchiac.rules.read.guard import read_file
    from batchiac.rules.read.request import read_request, require_operation
    from batchiac.rules.shapes import INPUTS

    known = require_operation(operation, INPUTS)
    request = read_request(read_file(path).value, path, known)
    accepted = _stack_suppressions(stack, cwd) if stack else ()
    return _report(path, f"request {known}", 1, check_request(known, request), accepted)


def _report(
    path: str, what: str, resources: int, findings: list[Finding], accepted: tuple[Suppression, ...], **more: Any
) -> FindingsReport:
    from batchiac.review.findings_report import FindingsReport
    from batchiac.rules.suppress import sift

    sifted = sift(findings, accepted)
    return FindingsReport(path, what, resources, sifted.kept, sifted.suppressed, sifted.unused, **more)


def _stack_suppressions(stack: str, cwd: str) -> tuple[Suppression, ...]:
    from batchiac.rules.read.stack_file import read_stack_config
    from batchiac.rules.suppress import CONFIG_KEY, parse_suppressions

    return parse_suppressions(read_stack_config(cwd, stack).get(CONFIG_KEY))


def _write(report: FindingsReport, form: str) -> None:
    if form == "terminal":
        from batchiac.review.findings_terminal import print_findings

        print_findings(report, sys.stdout)
    elif form == "json":
        from batchiac.review.findings_json import render_json

        click.echo(render_json(report), nl=False)
    elif form == "markdown":
        from batchiac.review.findings_markdown import render_markdown

        click.echo(render_markdown(report), nl=False)
    else:
        from batchiac.review.findings_sarif import render_sarif
        from batchiac.rules import CATALOGUE

        click.echo(render_sarif(report, CATALOGUE.values()), nl=False)
