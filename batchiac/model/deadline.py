"""How long the step that is being done may wait, when the program says so (`custom_timeouts`).

The adapter sets it around a handler's call; a wait reads it. It is a context variable because handlers' signatures are
the same for both adapters, and Pulumi's dynamic providers never learn of custom timeouts.
"""

from __future__ import annotations

from contextvars import ContextVar
from typing import Final

step_deadline_s: Final[ContextVar[float | None]] = ContextVar("step_deadline_s", default=None)
"""Seconds that any one wait of this step may take; None leaves each wait its own deadline."""
