"""Plan and apply inside this process: `open_stack`, `preview`, `up`, `refresh`, `destroy`.

Loaded when first used, so that importing the package costs nothing.
"""

from __future__ import annotations

import importlib
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from batchiac.deploy.deployment import destroy, preview, read_outputs, refresh, up
    from batchiac.deploy.stack import Stack, open_memory_stack, open_stack
    from batchiac.deploy.state.store import MemoryStore
    from batchiac.deploy.steps import Diagnostic, Op, Plan, Result, Step, StepEnded, StepStarted

_WHERE = {
    "destroy": "deployment",
    "preview": "deployment",
    "refresh": "deployment",
    "read_outputs": "deployment",
    "up": "deployment",
    "Stack": "stack",
    "open_memory_stack": "stack",
    "open_stack": "stack",
    "MemoryStore": "state.store",
    "Diagnostic": "steps",
    "Op": "steps",
    "Plan": "steps",
    "Result": "steps",
    "Step": "steps",
    "StepEnded": "steps",
    "StepStarted": "steps",
}


def __getattr__(name: str) -> object:
    if name not in _WHERE:
        raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
    return getattr(importlib.import_module(f"batchiac.deploy.{_WHERE[name]}"), name)


__all__ = [
    "Diagnostic",
    "MemoryStore",
    "Op",
    "Plan",
    "Result",
    "Stack",
    "Step",
    "StepEnded",
    "StepStarted",
    "destroy",
    "open_memory_stack",
    "open_stack",
    "preview",
    "read_outputs",
    "refresh",
    "up",
]
