"""moto's chance and time, made ours, so that a journal replayed gives the ids and times that clients were told.

moto draws its ids from one generator, and reads draw from it as well as writes. So it is seeded anew for every change,
from the server's seed and the change's number: then ids depend on neither the reads between two changes nor their
order. A region's first touch creates its default VPC and subnets; that is seeded by the region's name, whoever touches
it first. Its time of day comes from one function; while a journal is replayed it gives the recorded time.
"""

from __future__ import annotations

import datetime
from collections.abc import Iterator
from contextlib import contextmanager
from functools import wraps
from typing import Any

_MARK = "_batchiac_seeded"


def seed_moto(text: str) -> None:
    """Let moto's next ids follow from `text`."""
    from moto.moto_api._internal import mock_random

    mock_random.seed(text)


def seed_new_regions(seed: int) -> None:
    """Let what moto creates with a region (default VPC, subnets) follow from the seed and the region's name."""
    from moto.core.base_backend import AccountSpecificBackend
    from moto.moto_api._internal import mock_random

    found = AccountSpecificBackend.__getitem__
    original = getattr(found, _MARK, found)

    @wraps(original)
    def get_region(self: Any, region_name: str) -> Any:
        if region_name in self.keys() or region_name == "global":
            return original(self, region_name)
        state = mock_random.getstate()
        mock_random.seed(f"{seed}:{self.service_name}:{self.account_id}:{region_name}")
        try:
            return original(self, region_name)
        finally:
            mock_random.setstate(state)

    setattr(get_region, _MARK, original)
    AccountSpecificBackend.__getitem__ = get_region


class _ClockedDatetime(datetime.datetime):
    """`datetime.datetime` whose `now` is a fixed moment."""

    moment_ms: int = 0

    @classmethod
    def now(cls, tz: datetime.tzinfo | None = None) -> Any:
        return datetime.datetime.fromtimestamp(cls.moment_ms / 1000, tz)


class _ClockedModule:
    """The module `datetime` with a clock of ours, for `moto.core.utils.utcnow`, which everything in moto calls."""

    datetime = _ClockedDatetime

    def __getattr__(self, name: str) -> Any:
        return getattr(datetime, name)


@contextmanager
def moto_time(moment_ms: int) -> Iterator[None]:
    """Inside, moto's time of day is this moment (milliseconds since 1970)."""
    from moto.core import utils

    _ClockedDatetime.moment_ms = moment_ms
    utils.datetime = _ClockedModule()
    try:
        yield
    finally:
        utils.datetime = datetime
