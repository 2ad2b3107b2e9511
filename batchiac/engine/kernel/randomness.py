"""Chance, from the engine's seed alone.

A draw depends on the seed and on what it is for (job number, child, attempt), never on how many draws came before.
So polling, or another order of placement, changes nobody's luck; and two runs that differ in one environment give
every job the same duration, which makes them comparable.
"""

from __future__ import annotations

import math
from hashlib import blake2b

_MASK = (1 << 64) - 1
_GOLDEN = 0x9E3779B97F4A7C15
_PER_FLOAT = 2.0**-53


def mix(value: int) -> int:
    """SplitMix64's finaliser: 64 bits in, 64 well-mixed bits out (Steele, Lea, Flood 2014)."""
    value = ((value ^ (value >> 30)) * 0xBF58476D1CE4E5B9) & _MASK
    value = ((value ^ (value >> 27)) * 0x94D049BB133111EB) & _MASK
    return value ^ (value >> 31)


class Stream:
    """Draws for one purpose. Re-keyed and reused by the engine: keep none of them.

    `parts` is the purpose until the first draw; setting it is what `rekey` does.
    """

    __slots__ = ("_seed", "_state", "parts")

    def __init__(self, seed: int) -> None:
        self._seed = mix((seed ^ _GOLDEN) & _MASK)
        self.parts: tuple[int, ...] | None = None
        self._state = self._seed

    def rekey(self, *parts: int) -> Stream:
        """Start anew for this purpose; the same parts give the same draws. Costs nothing until something is drawn."""
        self.parts = parts
        return self

    def random(self) -> float:
        """Uniform in [0, 1)."""
        if self.parts is not None:
            state = self._seed
            for part in self.parts:
                state = mix((state + _GOLDEN * (part + 1)) & _MASK)
            self._state, self.parts = state, None
        self._state = state = (self._state + _GOLDEN) & _MASK
        return (mix(state) >> 11) * _PER_FLOAT

    def uniform(self, low: float, high: float) -> float:
        """Uniform in [low, high]."""
        return low + (high - low) * self.random()

    def exponential(self, mean: float) -> float:
        """Exponential with this mean."""
        return -mean * math.log(1.0 - self.random())

    def lognormal(self, median: float, geometric_deviation: float) -> float:
        """Log-normal with this median and geometric standard deviation (≥ 1), by Box and Muller's method."""
        radius = math.sqrt(-2.0 * math.log(1.0 - self.random()))
        return float(median * math.exp(math.log(geometric_deviation) * radius * math.cos(math.tau * self.random())))


class Identifiers:
    """Ids that look like AWS's, from the seed: the same question gives the same id, so none needs to be kept."""

    def __init__(self, seed: int) -> None:
        self._key = blake2b(str(seed).encode(), digest_size=32).digest()

    def hexadecimal(self, purpose: str, number: int, digits: int) -> str:
        """`digits` (≤ 64) hexadecimal digits for the `number`-th thing of this kind."""
        return blake2b(f"{purpose}:{number}".encode(), key=self._key, digest_size=32).hexdigest()[:digits]

    def uuid(self, purpose: str, number: int) -> str:
        """A version 4 UUID's form."""
        text = self.hexadecimal(purpose, number, 32)
        return f"{text[:8]}-{text[8:12]}-4{text[13:16]}-{'89ab'[int(text[16], 16) & 3]}{text[17:20]}-{text[20:]}"
