"""Tags of Batch's own resources: one row a kind, because AWS says it of each."""

from __future__ import annotations

from collections.abc import Iterator

from batchiac.rules.catalogue.sources import CE, CR, GUIDE, JD, JQ, QS, SE, SP
from batchiac.rules.predicates import shown, whole
from batchiac.rules.row import Broken, Rule
from batchiac.rules.view import View


def _reserved(view: View, path: str) -> Iterator[Broken]:
    for key in view.keys(path):
        if isinstance(key, str) and key.lower().startswith("aws:"):
            yield Broken(f"{path}.{key}", f"named {shown(key)}")


RULES: tuple[Rule, ...] = tuple(
    Rule(
        rule_id,
        kind,
        "tags",
        whole(_reserved),
        dialect="create",
        allowed="the prefix aws: is reserved, in any case of letters",
        change="choose another key",
        source=GUIDE + "using-tags.html",
    )
    for rule_id, kind in (
        ("TG101", CE),
        ("TG102", JQ),
        ("TG103", JD),
        ("TG104", SP),
        ("TG105", CR),
        ("TG106", SE),
        ("TG107", QS),
    )
)
