"""When a schedule fires next: `rate(5 minutes)`, `cron(0 12 ? * MON#1 *)`, `at(2026-01-01T00:00:00)`.

Sources: https://docs.aws.amazon.com/eventbridge/latest/userguide/eb-scheduled-rule-pattern.html (rules; UTC),
https://docs.aws.amazon.com/scheduler/latest/UserGuide/schedule-types.html (Scheduler; time zones).
"If your cron expression falls on a non-existent date and time, your schedule invocation is skipped. When the time
shifts back in the fall, your schedule runs only once."

A cron expression is read as sets: minutes, hours, months, years, and a function from a month to its days, because
`L`, `W` and `#` mean other days in each month.
"""

from __future__ import annotations

import re
from calendar import monthrange
from collections.abc import Callable, Iterator
from datetime import UTC, date, datetime, timedelta, tzinfo
from functools import lru_cache
from zoneinfo import ZoneInfo, ZoneInfoNotFoundError

from attrs import frozen

_UNITS_MS = {"minute": 60_000, "hour": 3_600_000, "day": 86_400_000}
_RATE = re.compile(r"rate\(([1-9]\d*) (minute|hour|day)s?\)")
_RATE_OF_A_RULE = re.compile(r"rate\((1 (minute|hour|day)|([2-9]|[1-9]\d+) (minute|hour|day)s)\)")
_AT = re.compile(r"at\((\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d)\)")
_CRON = re.compile(r"cron\((\S+) (\S+) (\S+) (\S+) (\S+) (\S+)\)")
_MONTHS = {
    "JAN": 1, "FEB": 2, "MAR": 3, "APR": 4, "MAY": 5, "JUN": 6,
    "JUL": 7, "AUG": 8, "SEP": 9, "OCT": 10, "NOV": 11, "DEC": 12,
}  # fmt: skip
_DAYS = {"SUN": 1, "MON": 2, "TUE": 3, "WED": 4, "THU": 5, "FRI": 6, "SAT": 7}
_SEARCHED_YEARS = 60
"""A 29th of February on a given weekday comes within 40 years, whatever century is passed."""

DaysOf = Callable[[int, int], frozenset[int]]
"""Year and month → the days on which a schedule fires."""


@frozen
class Cron:
    """A cron expression, read."""

    minutes: tuple[int, ...]
    hours: tuple[int, ...]
    months: frozenset[int]
    years: frozenset[int]
    days_of: DaysOf


@lru_cache(4096)
def next_fire_ms(
    expression: str, after_ms: int, since_ms: int, zone: str = "UTC", *, at_once: bool = False
) -> int | None:
    """The first time after `after_ms`, in milliseconds; None when there is none (any more).

    Args:
        since_ms: when the schedule was made: a rate counts from there.
        zone: of the time zone database (`Europe/Berlin`): what cron and at mean.
        at_once: a rate fires at `since_ms` already (EventBridge Scheduler), not only a period later (rules).

    Raises:
        ValueError: an expression of another form, or no such time zone.
    """
    rate = _RATE.fullmatch(expression)
    if rate is not None:
        period = int(rate[1]) * _UNITS_MS[rate[2]]
        first = since_ms if at_once else since_ms + period
        return first if after_ms < first else first + ((after_ms - first) // period + 1) * period
    local = _zone(zone)
    at = _AT.fullmatch(expression)
    if at is not None:
        moment = _moment_ms(datetime.fromisoformat(at[1]), local)
        return moment if moment is not None and moment > after_ms else None
    return _next_cron(read_cron(expression), after_ms, local)


def require_rule_expression(expression: str) -> None:
    """Raises: ValueError: a rule of EventBridge takes no such schedule. `at` is the Scheduler's alone; a rate of 1 has
    its unit in the singular, any other in the plural."""
    if expression.startswith("rate("):
        if _RATE_OF_A_RULE.fullmatch(expression) is None:
            raise ValueError(f"{expression} is no rate(1 minute), rate(5 minutes) …")
        return
    read_cron(expression)


def require_schedule(expression: str, zone: str) -> None:
    """Raises: ValueError: EventBridge Scheduler takes no such schedule, or there is no such time zone."""
    _zone(zone)
    next_fire_ms(expression, 0, 0, zone)


def _zone(name: str) -> tzinfo:
    if name == "UTC":
        return UTC
    try:
        return ZoneInfo(name)
    except (ZoneInfoNotFoundError, ValueError, OSError) as error:
        raise ValueError(f"there is no time zone {name!r}") from error


def _moment_ms(local: datetime, zone: tzinfo) -> int | None:
    """When a clock on the wall shows this; the first time where it does so twice, None where it never does."""
    moment = local.replace(tzinfo=zone)
    if moment.astimezone(UTC).astimezone(zone).replace(tzinfo=None) != local:
        return None
    return round(moment.timestamp() * 1000)


def _next_cron(cron: Cron, after_ms: int, zone: tzinfo) -> int | None:
    start = datetime.fromtimestamp(after_ms / 1000, tz=zone).replace(tzinfo=None)
    # A wall clock that is set back shows earlier hours once more: hours just past are looked at as well.
    earliest = start - timedelta(hours=3)
    for day in _days_from(cron, earliest.date()):
        for hour in cron.hours:
            for minute in cron.minutes:
                local = datetime(day.year, day.month, day.day, hour, minute)  # noqa: DTZ001  the zone comes next
                if local < earliest:
                    continue
                moment = _moment_ms(local, zone)
                if moment is not None and moment > after_ms:
                    return moment
    return None


def _days_from(cron: Cron, first: date) -> Iterator[date]:
    for year in range(first.year, first.year + _SEARCHED_YEARS):
        if year not in cron.years:
            continue
        for month in range(first.month if year == first.year else 1, 13):
            if month in cron.months:
                for number in sorted(cron.days_of(year, month)):
                    day = date(year, month, number)
                    if day >= first:
                        yield day


@lru_cache(1024)
def read_cron(expression: str) -> Cron:
    """The expression, read.

    Raises:
        ValueError: it is none, or names what there is not.
    """
    found = _CRON.fullmatch(expression)
    if found is None:
        raise ValueError(f"{expression} is no rate(…), cron(…) with six fields, or at(…)")
    minutes, hours, days, months, weekdays, years = found.groups()
    # "You can't specify the day-of-month and day-of-week fields in the same cron expression. If you specify a value or
    # a * in one of the fields, you must use a ? in the other."
    if (days == "?") == (weekdays == "?"):
        raise ValueError(f"{expression}: exactly one of day-of-month and day-of-week must be ?")
    return Cron(
        tuple(sorted(_numbers(minutes, 0, 59))),
        tuple(sorted(_numbers(hours, 0, 23))),
        _numbers(months, 1, 12, _MONTHS),
        _numbers(years, 1970, 2199),
        _days_of_month(days) if weekdays == "?" else _days_by_weekday(weekdays),
    )


def _days_of_month(field: str) -> DaysOf:
    """`15`, `1-5`, `L` (the last), `3W` (the weekday nearest the 3rd), `LW` (the last weekday)."""
    chosen: list[DaysOf] = []
    for part in field.upper().split(","):
        if part == "L":
            chosen.append(lambda year, month: frozenset({monthrange(year, month)[1]}))
        elif part == "LW":
            chosen.append(lambda year, month: frozenset({_nearest_weekday(year, month, 31)}))
        elif part.endswith("W"):
            (number,) = _numbers(part[:-1], 1, 31)
            chosen.append(_near(number))
        else:
            chosen.append(_within(_numbers(part, 1, 31)))
    return _any_of(chosen)


def _days_by_weekday(field: str) -> DaysOf:
    """`MON-FRI`, `1` (Sunday), `L` (Saturday), `6L` or `FRIL` (the month's last Friday), `3#2` (its second Tuesday)."""
    chosen: list[DaysOf] = []
    for part in field.upper().split(","):
        weekday, sharp, nth = part.partition("#")
        if sharp:
            (number,), (count,) = _numbers(weekday, 1, 7, _DAYS), _numbers(nth, 1, 5)
            chosen.append(_nth(number, count))
        elif part == "L":
            chosen.append(_on(frozenset({7})))
        elif part.endswith("L"):
            (number,) = _numbers(part[:-1], 1, 7, _DAYS)
            chosen.append(_nth(number, None))
        else:
            chosen.append(_on(_numbers(part, 1, 7, _DAYS)))
    return _any_of(chosen)


def _any_of(chosen: list[DaysOf]) -> DaysOf:
    return lambda year, month: frozenset().union(*(days(year, month) for days in chosen))


def _within(numbers: frozenset[int]) -> DaysOf:
    return lambda year, month: frozenset(each for each in numbers if each <= monthrange(year, month)[1])


def _near(number: int) -> DaysOf:
    def days(year: int, month: int) -> frozenset[int]:
        if number > monthrange(year, month)[1]:
            return frozenset()
        return frozenset({_nearest_weekday(year, month, number)})

    return days


def _nearest_weekday(year: int, month: int, number: int) -> int:
    """Monday to Friday, within the month; of a number past the month's end, the last weekday."""
    last = monthrange(year, month)[1]
    if number > last:
        number = last
        return number - max(0, date(year, month, number).isoweekday() - 5)
    weekday = date(year, month, number).isoweekday()
    if weekday == 6:
        return number - 1 if number > 1 else number + 2
    if weekday == 7:
        return number + 1 if number < last else number - 2
    return number


def _on(weekdays: frozenset[int]) -> DaysOf:
    return lambda year, month: frozenset(day for day, weekday in _weekdays(year, month) if weekday in weekdays)


def _nth(wanted: int, nth: int | None) -> DaysOf:
    """The nth such weekday of a month (none in many months for the fifth); the last for None."""

    def days(year: int, month: int) -> frozenset[int]:
        found = [day for day, weekday in _weekdays(year, month) if weekday == wanted]
        return frozenset(found[-1:] if nth is None else found[nth - 1 : nth])

    return days


def _weekdays(year: int, month: int) -> Iterator[tuple[int, int]]:
    """(day, 1 for Sunday to 7 for Saturday) of a month."""
    first = date(year, month, 1).isoweekday()
    for day in range(1, monthrange(year, month)[1] + 1):
        yield day, (first + day - 1) % 7 + 1


def _numbers(field: str, least: int, most: int, names: dict[str, int] | None = None) -> frozenset[int]:
    """`*`, `5`, `1-5`, `MON-FRI`, `0/15`, `*/15`, and lists of these, as numbers."""
    found: set[int] = set()
    for part in field.split(","):
        span, slash, step = part.partition("/")
        first, _, last = span.partition("-")
        if first == "*":
            low, high = least, most
        else:
            low = _number(first, names)
            high = _number(last, names) if last else (most if slash else low)
        if not least <= low <= high <= most:
            raise ValueError(f"{field} is outside {least} to {most}")
        found.update(range(low, high + 1, int(step) if slash else 1))
    return frozenset(found)


def _number(text: str, names: dict[str, int] | None) -> int:
    if names is not None and text.upper() in names:
        return names[text.upper()]
    return int(text)
