"""Real processes only where they were asked for, on a clock that flows."""

from __future__ import annotations

import pytest

from batchiac.errors import UsageError
from batchiac.local.server.run import Settings, make_server


def test_jobs_are_simulated_unless_asked_for() -> None:
    """Neither the server's settings nor the command has processes by default."""
    from batchiac.cli.serve import command

    assert Settings().executor == "simulated"
    (option,) = [each for each in command.params if each.name == "executor"]
    assert option.default == "simulated"


@pytest.mark.parametrize(
    ("settings", "why"),
    [
        (Settings(port=0, executor="process", clock="virtual"), "runs while time flows"),
        (Settings(port=0, executor="process", clock="auto"), "runs while time flows"),
        (Settings(port=0, executor="process", clock="real", projections=False), "writes real logs"),
        (Settings(port=0, executor="process", clock="real", host="0.0.0.0", exposed=True), "loopback address"),
    ],
)
def test_real_jobs_need_time_logs_and_a_loopback_address(settings: Settings, why: str) -> None:
    """Whatever --expose says: nobody else may run commands here."""
    with pytest.raises(UsageError, match=why):
        make_server(settings)
