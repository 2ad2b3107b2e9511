"""How big a request is, as the JSON that goes over the wire."""

from __future__ import annotations

import json
from collections.abc import Iterator

from batchiac.model.unknown import contains_unknown
from batchiac.rules.predicates import whole
from batchiac.rules.row import Broken, Check
from batchiac.rules.view import NotYetKnown, View

_OURS = frozenset(("identity", "region", "account"))
_NEAR = 0.8
"""A request that is not wholly known is only worth a second look when what is known nearly fills it."""


def at_most_bytes(limit: int, *members: str) -> Check:
    """The request, or these members of it together, is at most `limit` bytes of compact JSON."""

    def run(view: View, path: str) -> Iterator[Broken]:
        names = [key for key in members or view.keys() if key not in _OURS]
        known = {key: view.raw(key) for key in names if view.raw(key) is not None}
        size = len(json.dumps(known, separators=(",", ":"), default=lambda _: "", ensure_ascii=False).encode())
        if size > limit:
            yield Broken(path or "the request", f"{size:,} bytes of JSON")
        elif size > limit * _NEAR and contains_unknown(known):
            raise NotYetKnown(path or "the request")

    return whole(run, on_absent=True)
