"""Retry strategies: how often, and which ends of an attempt count. The same sentences hold for a definition and for a
submission, so that each row is made twice."""

from __future__ import annotations

from collections.abc import Iterator

from batchiac.rules.catalogue.places import API, GUIDE, JD, SJ
from batchiac.rules.finding import Level
from batchiac.rules.predicates import is_given, items, longest, matches, required, whole, within
from batchiac.rules.row import Broken, Rule
from batchiac.rules.view import View

_RETRY = API + "API_RetryStrategy.html"
_EXIT = API + "API_EvaluateOnExit.html"
_RESTRICTED = "Evaluate on exit condition contains restricted characters."
_CONDITIONS = ("onStatusReason", "onReason", "onExitCode")


def _without_condition(view: View, path: str) -> Iterator[Broken]:
    for each in view.views(path.removesuffix("[]")):
        if not any(each.has(name) for name in _CONDITIONS):
            yield Broken(each.path, "without any condition")


def _only_retries(view: View, path: str) -> Iterator[Broken]:
    actions = [each.text("action").upper() for each in view.views(path)]
    if actions and all(each == "RETRY" for each in actions):
        yield Broken(path, "nothing but RETRY")


def _single_attempt(view: View, path: str) -> Iterator[Broken]:
    attempts = view.integer("retryStrategy.attempts")
    if attempts == 1 and any(each.text("action").upper() == "RETRY" for each in view.views(path)):
        yield Broken(path, "RETRY with 1 attempt")


def _shadowed(view: View, path: str) -> Iterator[Broken]:
    """An entry behind one whose only condition matches everything is never reached."""
    catch_all = ""
    for each in view.views(path):
        if catch_all:
            yield Broken(each.path, f"behind {catch_all}, which matches every end")
        given = [each.text(name) for name in _CONDITIONS if each.has(name)]
        if given == ["*"]:
            catch_all = catch_all or each.path


def _rows(kind: str, first: int, prefix: str) -> tuple[Rule, ...]:
    # The fifth id was a row about `action`, which the API model itself states (SH04).
    at = "retryStrategy"
    exits = f"{at}.evaluateOnExit"

    def rule_id(offset: int) -> str:
        return f"{prefix}{first + offset:03d}"

    return (
        Rule(
            rule_id(0),
            kind,
            f"{at}.attempts",
            within(1, 10),
            allowed="1 to 10 attempts are allowed",
            change="set it within that range",
            source=_RETRY,
        ),
        Rule(
            rule_id(1),
            kind,
            f"{at}.attempts",
            required(),
            when=is_given(at),
            allowed="a retry strategy needs its number of attempts",
            change="give attempts, from 1 to 10",
            source=_RETRY,
            aws_message="RetryAttempts must be provided with retry strategy.",
        ),
        Rule(
            rule_id(2),
            kind,
            exits,
            items(0, 5),
            allowed="at most 5 entries are allowed",
            change="merge entries: a pattern may end with *",
            source=_RETRY,
            aws_message="Up to 5 evaluateOnExit condition can be specified.",
        ),
        Rule(
            rule_id(3),
            kind,
            f"{exits}[]",
            whole(_without_condition),
            allowed="an entry has at least one of onStatusReason, onReason, onExitCode",
            change="give one of them, or take the entry out",
            source=_EXIT,
            aws_message="EvaluateOnExit should contain at least one of onStatusReason, onReason, onExitCode.",
        ),
        *(
            Rule(
                rule_id(5 + offset),
                kind,
                f"{exits}[].{name}",
                longest(512),
                allowed="a pattern has at most 512 characters",
                change="shorten it and end it with *",
                source=_EXIT,
            )
            for offset, name in enumerate(_CONDITIONS)
        ),
        *(
            Rule(
                rule_id(8 + offset),
                kind,
                f"{exits}[].{name}",
                matches(r"[A-Za-z0-9.:\s]*\*?"),
                allowed="letters, digits, periods, colons and white space are allowed, and one * at the end",
                change="cut the pattern before the first other character and end it with *",
                source=_EXIT,
                aws_message=_RESTRICTED,
            )
            for offset, name in enumerate(("onStatusReason", "onReason"))
        ),
        Rule(
            rule_id(10),
            kind,
            f"{exits}[].onExitCode",
            matches(r"[0-9]*\*?"),
            allowed="digits are allowed, and one * at the end",
            change="write the exit code in decimal",
            source=_EXIT,
            aws_message=_RESTRICTED,
        ),
        Rule(
            rule_id(11),
            kind,
            exits,
            whole(_only_retries),
            level=Level.ADVICE,
            allowed="a job whose end matches no entry is retried too, so these entries change nothing",
            change='add an entry that exits, such as onReason "*" with action EXIT',
            source=GUIDE + "job_retries.html",
        ),
        Rule(
            rule_id(12),
            kind,
            exits,
            whole(_single_attempt),
            level=Level.WARNING,
            allowed="a job is retried only when attempts is greater than 1",
            change="raise attempts",
            source=_RETRY,
        ),
        Rule(
            rule_id(13),
            kind,
            exits,
            whole(_shadowed),
            level=Level.WARNING,
            allowed="the first entry that matches decides, so it is never reached",
            change="move it before that entry",
            source=GUIDE + "job_retries.html",
        ),
    )


RULES: tuple[Rule, ...] = (*_rows(JD, 601, "JD"), *_rows(SJ, 101, "SJ"))
"""Every row of a retry strategy: JD601 on for the definition, SJ101 on for the submission."""
