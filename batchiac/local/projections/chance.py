"""moto's chance on the way of an effect: what it draws follows from the effect, whenever that is shown.

An effect is shown when somebody looks, or when a tick passes, or while a journal is done again: what moto's generator
has drawn by then differs. Ids that a client may be told of must not.
"""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager


@contextmanager
def following(text: str) -> Iterator[None]:
    """Inside, moto's ids follow from `text`; afterwards its generator is where it was."""
    from moto.moto_api._internal import mock_random

    state = mock_random.getstate()
    mock_random.seed(text)
    try:
        yield
    finally:
        mock_random.setstate(state)
