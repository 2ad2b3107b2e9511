"""When a schedule fires, by EventBridge's documented rules."""

from __future__ import annotations

from datetime import UTC, datetime

import pytest

from batchiac.local.projections.schedule import next_fire_ms, require_rule_expression, require_schedule

NOON = 1_767_268_800_000
"""2026-01-01T12:00:00Z, a Thursday."""


def ms(moment: str) -> int:
    return round(datetime.fromisoformat(moment).replace(tzinfo=UTC).timestamp() * 1000)


@pytest.mark.parametrize(
    ("expression", "after", "fires"),
    [
        ("rate(5 minutes)", NOON, NOON + 300_000),
        ("rate(1 day)", NOON + 1, NOON + 86_400_000),
        ("cron(30 12 * * ? *)", NOON, NOON + 1_800_000),
        ("cron(0 12 * * ? *)", NOON, NOON + 86_400_000),
        ("cron(0/15 * * * ? *)", NOON + 1, NOON + 900_000),
        ("cron(0 8 ? * MON-FRI *)", NOON, NOON + 20 * 3_600_000),
        ("cron(0 0 1 FEB ? 2027)", NOON, ms("2027-02-01")),
        ("cron(0 0 1 1 ? 2025)", NOON, None),
        ("at(2026-01-01T13:00:00)", NOON, NOON + 3_600_000),
        ("at(2026-01-01T11:00:00)", NOON, None),
    ],
)
def test_schedules(expression: str, after: int, fires: int | None) -> None:
    """The next time after a moment."""
    assert next_fire_ms(expression, after, NOON) == fires


@pytest.mark.parametrize(
    ("expression", "fires"),
    [
        # The last day of a month, of each length.
        ("cron(0 0 L 1 ? *)", ["2026-01-31", "2027-01-31"]),
        ("cron(0 0 L 2 ? *)", ["2026-02-28", "2027-02-28", "2028-02-29"]),
        # The last weekday: 2026-01-31 and 2026-02-28 are Saturdays.
        ("cron(0 0 LW * ? *)", ["2026-01-30", "2026-02-27", "2026-03-31"]),
        # The weekday nearest: never in another month.
        ("cron(0 0 1W 8 ? 2026)", ["2026-08-03"]),
        ("cron(0 0 31W 5 ? 2026)", ["2026-05-29"]),
        ("cron(0 0 15W 2 ? 2026)", ["2026-02-16"]),
        ("cron(0 0 3W * ? 2026)", ["2026-01-02", "2026-02-03", "2026-03-03"]),
        ("cron(0 0 31W 4 ? *)", []),
        # AWS's own example: "10:00 AM on the last Friday of each month".
        ("cron(0 10 ? * 6L 2026-2027)", ["2026-01-30T10:00:00", "2026-02-27T10:00:00"]),
        ("cron(0 0 ? 2 MONL *)", ["2026-02-23", "2027-02-22"]),
        ("cron(0 0 ? * L *)", ["2026-01-03", "2026-01-10"]),
        # 3#2: "the second Tuesday of the month".
        ("cron(0 0 ? * 3#2 *)", ["2026-01-13", "2026-02-10"]),
        ("cron(0 0 ? * MON#5 2026)", ["2026-03-30", "2026-06-29", "2026-08-31", "2026-11-30"]),
        ("cron(0 0 ? 2 SUN#5 *)", ["2032-02-29"]),
        ("cron(0 0 1,L * ? *)", ["2026-01-31", "2026-02-01", "2026-02-28"]),
        ("cron(0 0 29 2 ? *)", ["2028-02-29", "2032-02-29"]),
    ],
)
def test_days_that_differ_from_month_to_month(expression: str, fires: list[str]) -> None:
    """`L`, `W` and `#`, alone and in lists."""
    at: int | None = NOON
    for moment in fires:
        assert at is not None
        at = next_fire_ms(expression, at, NOON)
        assert at == ms(moment)
    if not fires:
        assert next_fire_ms(expression, NOON, NOON) is None


@pytest.mark.parametrize(
    ("expression", "after", "fires"),
    [
        ("cron(0 9 * * ? *)", "2026-03-01", "2026-03-01T14:00:00"),
        ("cron(0 9 * * ? *)", "2026-03-08", "2026-03-08T13:00:00"),
        # 02:30 does not exist on 2026-03-08: "your schedule invocation is skipped".
        ("cron(30 2 * * ? *)", "2026-03-07T12:00:00", "2026-03-09T06:30:00"),
        # 01:30 exists twice on 2026-11-01: "your schedule runs only once".
        ("cron(30 1 * * ? *)", "2026-11-01T00:00:00", "2026-11-01T05:30:00"),
        ("cron(30 1 * * ? *)", "2026-11-01T05:30:00", "2026-11-02T06:30:00"),
        ("at(2026-07-01T12:00:00)", "2026-01-01", "2026-07-01T16:00:00"),
    ],
)
def test_a_time_zone_with_its_daylight_saving(expression: str, after: str, fires: str) -> None:
    """New York: five hours behind in winter, four in summer."""
    assert next_fire_ms(expression, ms(after), NOON, "America/New_York") == ms(fires)


def test_a_rate_of_the_scheduler_begins_at_once() -> None:
    """ "If you do not provide a StartDate for a rate-based schedule, your schedule starts invoking immediately." """
    assert next_fire_ms("rate(1 hour)", NOON - 1, NOON, at_once=True) == NOON
    assert next_fire_ms("rate(1 hour)", NOON, NOON, at_once=True) == NOON + 3_600_000


@pytest.mark.parametrize(
    "expression",
    [
        "rate(5 weeks)",
        "rate(0 minutes)",
        "hourly",
        "cron(61 * * * ? *)",
        "cron(0 12 * * * *)",
        "cron(0 12 ? * ? *)",
        "cron(0 12 ? * MON#6 *)",
        "cron(0 12 ? * 8 *)",
        "cron(0 12 32W * ? *)",
        "cron(0 12 W * ? *)",
        "cron(0/0 * * * ? *)",
        "cron(0 12 * * ?)",
        "at(tomorrow)",
        "at(2026-13-01T00:00:00)",
    ],
)
def test_schedules_that_are_none(expression: str) -> None:
    """They are told apart from those that never fire."""
    with pytest.raises(ValueError):
        next_fire_ms(expression, NOON, NOON)


def test_rules_and_scheduler_differ_in_what_they_take() -> None:
    """A rule has no at(), and a unit in the right number; the Scheduler knows time zones."""
    for expression in ("rate(1 minute)", "rate(10 minutes)", "cron(0 12 L * ? *)"):
        require_rule_expression(expression)
    for expression in ("rate(1 minutes)", "rate(10 minute)", "at(2026-01-01T13:00:00)", "rate(01 minutes)"):
        with pytest.raises(ValueError):
            require_rule_expression(expression)
    require_schedule("at(2026-01-01T13:00:00)", "Europe/Berlin")
    with pytest.raises(ValueError, match="time zone"):
        require_schedule("at(2026-01-01T13:00:00)", "Europe/Atlantis")
