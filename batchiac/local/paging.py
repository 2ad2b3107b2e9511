"""Pages of results: `maxResults` and an opaque `nextToken`.

A token holds the serial number of the last item given out. Serials grow and are never used again, so that a page goes
on where the last one ended although items have come and gone in between.
"""

from __future__ import annotations

import base64
import binascii
from collections.abc import Iterable
from typing import Any, TypeVar

from batchiac.local.api_error import refusal

Item = TypeVar("Item")


def page_size(request: dict[str, Any], most: int) -> int:
    """`maxResults`, between 1 and `most`; `most` where it is not given.

    Raises:
        ApiError: outside the documented range.
    """
    size = request.get("maxResults")
    if size is None:
        return most
    if not 1 <= size <= most:
        raise refusal(f"maxResults must be between 1 and {most}, but was {size}")
    return int(size)


def next_token(operation: str, serial: int) -> str:
    """The token that goes on after the item with this serial."""
    return base64.urlsafe_b64encode(f"{operation}:{serial}".encode()).decode()


def start_after(operation: str, request: dict[str, Any]) -> int | None:
    """The serial after which to go on, None for the first page.

    Raises:
        ApiError: the token is not one that this operation gave out.
    """
    token = request.get("nextToken")
    if not token:
        return None
    try:
        name, _, serial = base64.urlsafe_b64decode(token.encode()).decode().partition(":")
        if name == operation:
            return int(serial)
    except (ValueError, binascii.Error):
        pass
    raise refusal("The nextToken is not valid for this request.")


def page(
    operation: str, request: dict[str, Any], items: Iterable[tuple[int, Item]], most: int, *, newest_first: bool = False
) -> tuple[list[Item], dict[str, str]]:
    """One page of `items`.

    Args:
        operation: the operation's name, held by the token.
        request: its `maxResults` and `nextToken` are read.
        items: (serial, item) in growing order of serials, or falling where `newest_first`.
        most: the documented largest page.

    Returns:
        The items, and `{"nextToken": …}` when there are more, else an empty dict.
    """
    size = page_size(request, most)
    after = start_after(operation, request)
    found: list[Item] = []
    last = 0
    for serial, item in items:
        if after is not None and (serial >= after if newest_first else serial <= after):
            continue
        if len(found) == size:
            return found, {"nextToken": next_token(operation, last)}
        found.append(item)
        last = serial
    return found, {}
