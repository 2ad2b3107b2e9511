"""When a schedule of EventBridge fires next: `rate(5 minutes)`, `cron(0 12 * * ? *)`, `at(2026-01-01T00:00:00)`.

Source: https://docs.aws.amazon.com/eventbridge/latest/userguide/eb-scheduled-rule-pattern.html. Times are UTC.
`L`, `W` and `#` in a cron expression are not understood: such a schedule never fires here, and says so once.
"""

from __future__ import annotations

import re
from datetime import UTC, datetime, timedelta

_UNITS_MS = {"minute": 60_000, "hour": 3_600_000, "day": 86_400_000}
_RATE = re.compile(r"rate\((\d+) (minute|hour|day)s?\)")
_AT = re.compile(r"at\((\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d)\)")
_CRON = re.compile(r"cron\((\S+) (\S+) (\S+) (\S+) (\S+) (\S+)\)")
_MONTHS = {
    "JAN": 1, "FEB": 2, "MAR": 3, "APR": 4, "MAY": 5, "JUN": 6,
    "JUL": 7, "AUG": 8, "SEP": 9, "OCT": 10, "NOV": 11, "DEC": 12,
}  # fmt: skip
_DAYS = {"SUN": 1, "MON": 2, "TUE": 3, "WED": 4, "THU": 5, "FRI": 6, "SAT": 7}
_SEARCHED_DAYS = 366 * 5


def next_fire_ms(expression: str, after_ms: int, since_ms: int) -> int | None:
    """The first time after `after_ms`, in milliseconds; None when there is none (any more).

    Args:
        since_ms: when the schedule was made: a rate counts from there.

    Raises:
        ValueError: an expression of another form.
    """
    rate = _RATE.fullmatch(expression)
    if rate is not None:
        period = int(rate[1]) * _UNITS_MS[rate[2]]
        return since_ms + ((after_ms - since_ms) // period + 1) * period
    at = _AT.fullmatch(expression)
    if at is not None:
        moment = int(datetime.fromisoformat(at[1]).replace(tzinfo=UTC).timestamp() * 1000)
        return moment if moment > after_ms else None
    cron = _CRON.fullmatch(expression)
    if cron is None:
        raise ValueError(f"{expression} is no rate(…), cron(…) or at(…)")
    return _next_cron(cron.groups(), after_ms)


def _next_cron(fields: tuple[str, ...], after_ms: int) -> int | None:
    minutes = _numbers(fields[0], 0, 59)
    hours = _numbers(fields[1], 0, 23)
    days = None if fields[2] == "?" else _numbers(fields[2], 1, 31)
    months = _numbers(fields[3], 1, 12, _MONTHS)
    weekdays = None if fields[4] == "?" else _numbers(fields[4], 1, 7, _DAYS)
    years = _numbers(fields[5], 1970, 2199)
    start = datetime.fromtimestamp(after_ms / 1000, tz=UTC)
    day = start.replace(hour=0, minute=0, second=0, microsecond=0)
    for _ in range(_SEARCHED_DAYS):
        fits = (
            day.year in years
            and day.month in months
            and (days is None or day.day in days)
            and (weekdays is None or day.isoweekday() % 7 + 1 in weekdays)
        )
        if fits:
            for hour in sorted(hours):
                for minute in sorted(minutes):
                    moment = day.replace(hour=hour, minute=minute)
                    if moment > start:
                        return int(moment.timestamp() * 1000)
        day += timedelta(days=1)
    return None


def _numbers(field: str, least: int, most: int, names: dict[str, int] | None = None) -> frozenset[int]:
    """`*`, `5`, `1-5`, `MON-FRI`, `0/15`, `*/15`, and lists of these, as numbers."""
    found: set[int] = set()
    for part in field.split(","):
        span, _, step = part.partition("/")
        first, _, last = span.partition("-")
        if first in ("*", "?"):
            low, high = least, most
        else:
            low = _number(first, names)
            high = _number(last, names) if last else (most if step else low)
        if not least <= low <= high <= most:
            raise ValueError(f"{field} is outside {least} to {most}")
        found.update(range(low, high + 1, int(step or 1)))
    return frozenset(found)


def _number(text: str, names: dict[str, int] | None) -> int:
    if names is not None and text.upper() in names:
        return names[text.upper()]
    return int(text)
