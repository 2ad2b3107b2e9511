"""What the engine says no to, in AWS's words where they are known. The local stack turns them into API errors."""

from __future__ import annotations

from batchiac.errors import UserError


class EngineRefusal(UserError):  # noqa: N818  STYLE's word
    """A command was refused and nothing was changed. The message is what AWS answers (ClientException, HTTP 400)."""


class NotFoundRefusal(EngineRefusal):
    """What the command names does not exist."""


class ExistsRefusal(EngineRefusal):
    """The name is taken."""


class ReferencedRefusal(EngineRefusal):
    """A compute environment is still in a queue's order (a queue in DELETING counts)."""


class BusyRefusal(EngineRefusal):
    """The resource is being created, updated or deleted."""


class StateRefusal(EngineRefusal):
    """The resource is in a state that does not allow the command (ENABLED when deleted, a DISABLED queue)."""


class InvalidRefusal(EngineRefusal):
    """The request contradicts itself or what exists (dependencies, shares, arrays)."""
