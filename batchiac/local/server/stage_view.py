"""The stage as the control paths see it (control.Stack)."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from attrs import frozen

if TYPE_CHECKING:
    from batchiac.local.stage import Stage


@frozen
class StageView:
    """See the module."""

    stage: Stage

    def now_ms(self) -> int:
        return self.stage.clock.now_ms()

    def advance(self, seconds: float) -> None:
        self.stage.advance(seconds)

    def run_until_idle(self) -> None:
        self.stage.run_until_idle()

    def clock_moves(self) -> bool:
        return self.stage.clock.can_skip

    def state(self) -> dict[str, Any]:
        self.stage.catch_up()
        return self.stage.describe()
