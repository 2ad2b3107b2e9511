"""Correct a module of moto when somebody imports it, and not before: some cost seconds that most users never need."""

from __future__ import annotations

import sys
from collections.abc import Callable, Sequence
from importlib.abc import Loader, MetaPathFinder
from importlib.machinery import ModuleSpec, PathFinder
from types import ModuleType
from typing import Any


def after_import(name: str, correct: Callable[[Any], None]) -> None:
    """Have `correct(module)` called when the module has been imported: now, where it has been already.

    `correct` may be called more than once with the same module, and must not mind.
    """
    module = sys.modules.get(name)
    if module is not None:
        correct(module)
        return
    if not any(isinstance(each, _Watcher) and each.name == name for each in sys.meta_path):
        sys.meta_path.insert(0, _Watcher(name, correct))


class _Watcher(MetaPathFinder):
    """Finds one module as Python would, and has its loader call back; then it goes."""

    def __init__(self, name: str, correct: Callable[[Any], None]) -> None:
        self.name = name
        self.correct = correct

    def find_spec(
        self, fullname: str, path: Sequence[str] | None, target: ModuleType | None = None
    ) -> ModuleSpec | None:
        if fullname != self.name:
            return None
        sys.meta_path.remove(self)
        spec = PathFinder.find_spec(fullname, path)
        if spec is not None and spec.loader is not None:
            spec.loader = _Telling(spec.loader, self.correct)
        return spec


class _Telling(Loader):
    def __init__(self, loader: Loader, correct: Callable[[Any], None]) -> None:
        self._loader = loader
        self._correct = correct

    def create_module(self, spec: ModuleSpec) -> ModuleType | None:
        return self._loader.create_module(spec)

    def exec_module(self, module: ModuleType) -> None:
        self._loader.exec_module(module)
        self._correct(module)
