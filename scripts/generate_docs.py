"""Write the generated pages and tables, or say which are stale.

`python scripts/generate_docs.py` writes; with `--check` nothing is written and the exit code is 1 when a page differs
from what its source would make of it. Each page's first line says that it is generated.
"""

from __future__ import annotations

import argparse
import importlib
import sys
from pathlib import Path

ROOT = Path(__file__).resolve().parents[1]

PAGES = {
    "docs/rules.md": "batchiac.rules.rules_doc",
    "docs/updates.md": "batchiac.rules.updates_doc",
    "docs/operations.md": "batchiac.local.operations_doc",
    "docs/job_states.md": "batchiac.engine.job_states_doc",
    "docs/settings.md": "batchiac.engine.settings_doc",
}
"""Page → the module whose `render()` returns its text."""


def main(argv: list[str]) -> int:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--check", action="store_true", help="write nothing; exit 1 when a page is stale")
    check = parser.parse_args(argv).check
    stale = []
    for page, module in PAGES.items():
        text: str = importlib.import_module(module).render()
        path = ROOT / page
        if path.exists() and path.read_text(encoding="utf-8") == text:
            continue
        stale.append(page)
        if not check:
            path.parent.mkdir(parents=True, exist_ok=True)
            path.write_text(text, encoding="utf-8")
    if check and stale:
        print(f"stale: {', '.join(stale)}; run `make docs` and commit the result", file=sys.stderr)
        return 1
    for page in stale:
        print(f"wrote {page}")
    return 0


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
