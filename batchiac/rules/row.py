"""The row that a rule is, and how one row judges one resource.

A row reads: which property of which kind, when it applies, what is tested, and the three parts of its message:

    Rule("CE013", CE, "computeResources.bidPercentage", within(0, 100),
         allowed="0 to 100 percent of the On-Demand price are allowed",
         change="set it within that range, or leave it out for 100",
         source=..., aws_message="Bid percentage must be between 0 to 100.")

which says: "computeResources.bidPercentage is 120; 0 to 100 percent of the On-Demand price are allowed; set it within
that range, or leave it out for 100".
"""

from __future__ import annotations

import builtins
import re
from collections.abc import Callable, Iterator, Mapping
from typing import Any, Literal

from attrs import field, frozen

from batchiac.rules.finding import Finding, Level
from batchiac.rules.view import Misshapen, NotYetKnown, View

READ = "2026-11-21"
"""The day on which the sources of this catalogue were read (botocore 1.44.5's model and the pages named)."""

Condition = Callable[[View], bool]


@frozen
class Broken:
    """One place where a resource breaks a rule.

    Attributes:
        path: where.
        found: what stands there, as the words that follow "is": `120`, `missing`, `a mix of x86_64 and arm64`.
        fields: what `{…}` in the row's texts is filled with, beside `{found}`.
    """

    path: str
    found: str
    fields: Mapping[str, Any] = field(factory=dict)


@frozen
class Check:
    """What a row tests (batchiac.rules.predicates makes them).

    Attributes:
        run: (view, the row's property) → each place that is broken.
        on_absent: True when it has something to say where the property is absent (required ones).
        anywhere: True when it looks at more places than the row's property: `when` alone says where it applies.
    """

    run: Callable[[View, str], Iterator[Broken]]
    on_absent: bool = False
    anywhere: bool = False


@frozen(kw_only=True)
class Rule:
    """One documented sentence.

    Attributes:
        id: stable, never reused.
        kind: the resource kind, or the operation for requests that make no resource (`SubmitJob`).
        property: the path that the sentence is about; `[]` stands for every element.
        check: what is tested at that path.
        allowed: the middle part of the message, a clause of its own.
        change: the last part, an imperative.
        source: the address of AWS's sentence.
        when: the row applies only where this holds; None always. It may raise NotYetKnown.
        level: what a broken row does to the run.
        scope: `resource` judges one resource alone; `stack` needs the others.
        dialect: the requests it is for: those that create, those that update, or `both`.
        aws_message: AWS's own text for the refusal, `{found}` and fields filled in; empty when none is known.
        read: the day the source was read.
        seed_difference: what older texts say where today's differ; today's is the rule.
        example_breaks_it: why AWS's own example request breaks the row, which is then no error.
        needs: paths of which one must stand for the row to say anything; empty for those that follow from `property`.
    """

    id: str = field(kw_only=False)
    kind: str = field(kw_only=False)
    property: str = field(kw_only=False)
    check: Check = field(kw_only=False)
    allowed: str
    change: str
    source: str
    when: Condition | None = None
    level: Level = Level.ERROR
    scope: Literal["resource", "stack"] = "resource"
    dialect: Literal["create", "update", "both"] = "both"
    aws_message: str = ""
    read: str = READ
    seed_difference: str = ""
    example_breaks_it: str = ""
    needs: tuple[str, ...] = ()

    @builtins.property  # the attribute `property` hides the plain name here
    def stands_on(self) -> tuple[str, ...]:
        """Paths of which one must stand for the row to say anything; holding "" when it always may."""
        if self.needs:
            return self.needs
        if self.check.anywhere:
            return ("",)
        return (self.property.rpartition(".")[0] if self.check.on_absent else self.property,)

    @builtins.property  # the attribute `property` hides the plain name here
    def message(self) -> str:
        """The template of the message, for the lists of rules."""
        return f"{self.property} is {{found}}; {self.allowed}; {self.change}"

    def finding(self, broken: Broken, resource: str) -> Finding:
        """The finding for one broken place."""
        words = {"found": broken.found, **broken.fields}
        return Finding(
            self.id,
            self.level,
            self.kind,
            resource,
            broken.path,
            f"{broken.path} is {broken.found}; {_fill(self.allowed, words)}; {_fill(self.change, words)}",
            self.source,
            "broken",
            _fill(self.aws_message, words),
        )

    def not_yet_known(self, path: str, resource: str) -> Finding:
        """The finding for a value that the rule could not read."""
        return Finding(
            self.id,
            self.level,
            self.kind,
            resource,
            path,
            f"{path} is not yet known; {self.allowed_plain}; it is checked again when it is known",
            self.source,
            "unknown",
        )

    @builtins.property  # the attribute `property` hides the plain name here
    def allowed_plain(self) -> str:
        """`allowed` without places to fill: for texts where nothing was found."""
        return re.sub(r"\{[a-z_]+\}", "…", self.allowed)


def _fill(text: str, words: Mapping[str, Any]) -> str:
    """`text` with each `{name}` of `words` filled in; other braces stay (JSON in a message is no template)."""
    if "{" not in text:
        return text
    for name, value in words.items():
        text = text.replace("{" + name + "}", str(value))
    return text


@frozen
class Judgement:
    """What one rule says of one resource.

    Attributes:
        applies: False when the rule has nothing to say of it at all.
        broken: places that break it.
        unknown: paths that it could not read.
        misshapen: paths whose value is of the wrong type, with the word for the right one.
    """

    applies: bool
    broken: tuple[Broken, ...] = ()
    unknown: tuple[str, ...] = ()
    misshapen: tuple[tuple[str, str], ...] = ()

    @property
    def verdict(self) -> Literal["accepted", "broken", "unknown", "not applicable", "misshapen"]:
        """One word for it; broken wins over unknown."""
        if self.broken:
            return "broken"
        if self.unknown:
            return "unknown"
        if self.misshapen:
            return "misshapen"
        return "accepted" if self.applies else "not applicable"


NOT_APPLICABLE = Judgement(False)


def judge(rule: Rule, view: View) -> Judgement:
    """What `rule` says of the resource that `view` shows. Unknown values are noticed here, not by the rule."""
    unseen = view.unseen
    unseen.clear()
    broken: list[Broken] = []
    unknown: list[str] = []
    misshapen: list[tuple[str, str]] = []
    try:
        if not rule.check.anywhere and not (_has_parent if rule.check.on_absent else _stands)(view, rule.property):
            return NOT_APPLICABLE if not unseen else Judgement(True, (), tuple(unseen))
        noticed = list(unseen)
        unseen.clear()
        if rule.when is not None and not rule.when(view):
            return NOT_APPLICABLE if not unseen else Judgement(True, (), tuple(unseen))
        for each in rule.check.run(view, rule.property):
            broken.append(each)
        unseen.extend(noticed)
    except NotYetKnown as error:
        unknown.append(error.path)
    except Misshapen as error:
        misshapen.append((error.path, error.wanted))
    if unseen:
        unknown.extend(unseen)
    if not (broken or unknown or misshapen):
        return ACCEPTED
    return Judgement(True, tuple(broken), tuple(dict.fromkeys(unknown)), tuple(misshapen))


ACCEPTED = Judgement(True)


def _has_parent(view: View, path: str) -> bool:
    """True when the object that should hold `path` is there, or when `path` is at the top."""
    return "." not in path or any(True for _ in view.parents(path))


def _stands(view: View, path: str) -> bool:
    """True when any value stands at `path`, parts of it unknown or not."""
    if "[" not in path:
        value: Any = view.raw(path)
        return value is not None
    found = False
    for parent, last in view.parents(path):
        name, _, rest = last.partition("[")
        value = parent.raw(name) if not rest else None
        if rest:
            found = found or parent.count(name) > 0
        else:
            found = found or value is not None
    return found
