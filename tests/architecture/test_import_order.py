"""Each room of the house imports only what docs/architecture.md allows it, and each neighbour has one door."""

from __future__ import annotations

import ast
from pathlib import Path

import pytest

ROOT = Path(__file__).resolve().parents[2]
PACKAGE = ROOT / "batchiac"

MAY_IMPORT: dict[str, frozenset[str]] = {
    "errors": frozenset(),
    "model": frozenset(),
    "rules": frozenset({"model"}),
    "aws": frozenset({"model"}),
    "provider": frozenset({"model", "rules", "aws"}),
    "components": frozenset({"model", "rules", "provider"}),
    "deploy": frozenset({"model", "rules"}),
    "engine": frozenset({"model"}),
    "local": frozenset({"model", "rules", "engine"}),
    "verify": frozenset({"model", "engine", "local"}),
    "review": frozenset({"model", "rules", "deploy", "verify"}),
    "policy_pack": frozenset({"model", "rules"}),
}
"""Room → rooms that it may import; `errors` is open to all. Rooms that are not listed (cli, testing) may import any."""

DOORS: dict[str, tuple[str, ...]] = {
    "boto3": ("batchiac/aws/",),
    "moto": ("batchiac/local/",),
    "pulumi.runtime": ("batchiac/deploy/program_host.py",),
}
"""Neighbour → the only places that import it."""


def imports_of(path: Path) -> list[tuple[int, str]]:
    """Every module that a file imports, anywhere in it, with its line; relative imports made absolute."""
    tree = ast.parse(path.read_text(encoding="utf-8"), str(path))
    package = list(path.relative_to(ROOT).parent.parts)
    found: list[tuple[int, str]] = []
    for node in ast.walk(tree):
        if isinstance(node, ast.Import):
            found += [(node.lineno, alias.name) for alias in node.names]
        elif isinstance(node, ast.ImportFrom):
            base = node.module or ""
            if node.level:
                base = ".".join(package[: len(package) - node.level + 1] + ([base] if base else []))
            found += [(node.lineno, f"{base}.{alias.name}") for alias in node.names]
    return found


def source_files() -> list[Path]:
    return sorted(PACKAGE.rglob("*.py"))


def room_of(path: Path) -> str:
    return path.relative_to(PACKAGE).parts[0].removesuffix(".py")


@pytest.mark.parametrize("room", sorted(MAY_IMPORT))
def test_room_imports_only_what_the_house_allows(room: str) -> None:
    """A room reaches only into the rooms below it."""
    allowed = MAY_IMPORT[room] | {room, "errors"}
    broken = [
        f"{path.relative_to(ROOT)}:{line} imports {module}"
        for path in source_files()
        if room_of(path) == room
        for line, module in imports_of(path)
        if module.startswith("batchiac.") and module.split(".")[1] not in allowed | {"__version__"}
    ]
    assert broken == []


@pytest.mark.parametrize("neighbour", sorted(DOORS))
def test_each_neighbour_has_one_door(neighbour: str) -> None:
    """boto3, moto and the SDK's runtime are each imported in one place."""
    broken = [
        f"{path.relative_to(ROOT)}:{line} imports {module}"
        for path in source_files()
        if not path.relative_to(ROOT).as_posix().startswith(DOORS[neighbour])
        for line, module in imports_of(path)
        if module == neighbour or module.startswith(neighbour + ".")
    ]
    assert broken == []


def test_every_room_is_listed() -> None:
    """A new room is given its place in the house before it is used."""
    rooms = {path.name for path in PACKAGE.iterdir() if path.is_dir() and not path.name.startswith("__")}
    assert rooms - set(MAY_IMPORT) == {"cli"}


def test_no_file_is_unpickled() -> None:
    """Nothing of ours unpickles: state, journals and plans are data."""
    broken = [
        f"{path.relative_to(ROOT)}:{line} imports {module}"
        for path in source_files()
        for line, module in imports_of(path)
        if module.split(".")[0] in {"pickle", "dill", "cloudpickle", "shelve", "marshal"}
    ]
    assert broken == []
