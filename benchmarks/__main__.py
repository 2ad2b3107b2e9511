"""`make bench`: one JSON line a figure, `{"name", "value", "unit", "at_most" or "at_least", "holds"}`.

Each area is a module with `figures()`, a generator. Figures are ratios against a floor that was measured in the same
run, because machines are noisy. Name areas as arguments to run only those: `python -m benchmarks engine rules`.
The exit code is 0 when every figure holds, 1 when one does not.
"""

from __future__ import annotations

import importlib
import json
import pkgutil
import sys

import benchmarks


def areas() -> list[str]:
    """Every module of this package that measures something."""
    return sorted(each.name for each in pkgutil.iter_modules(benchmarks.__path__) if not each.name.startswith("_"))


def main(names: list[str]) -> int:
    unknown = [name for name in names if name not in areas()]
    if unknown:
        print(f"no such area {unknown[0]!r}: known are {', '.join(areas())}", file=sys.stderr)
        return 64
    holds = True
    for name in names or areas():
        for figure in importlib.import_module(f"benchmarks.{name}").figures():
            holds = holds and bool(figure["holds"])
            print(json.dumps(figure), flush=True)
    return 0 if holds else 1


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
