"""PURE but for its own state: how fast calls may follow each other. The clock is an argument."""

from dataclasses import dataclass, field

RECOVERY_SECONDS = 60.0
"""A minute without a 429 gives back a tenth of the rate that was asked for."""

LEAST_SHARE = 1 / 16
"""However often the panel says 429, this share of the rate remains."""

LONGEST_PAUSE = 120.0
"""A run whose panel asks for more is given up: those who wait for their turn must not wait a day to hear of it."""


@dataclass(slots=True)
class RateLimit:
    """Calls a second, halved after each 429 and slowly raised again; 0 for no limit.

    No limit is published for smm.plus; sibling panels document 30 to 100 calls a minute for a key.
    """

    rate: float
    _share: float = field(default=1.0, init=False)
    _next: float = field(default=0.0, init=False)
    _changed: float = field(default=0.0, init=False)

    def reserve(self, now: float) -> float:
        """Take the next free moment; the result is how many seconds from `now` it is away."""
        at = max(now, self._next)
        if self.rate > 0:
            self._recover(at)
            self._next = at + 1 / (self.rate * self._share)
        return at - now

    def slow_down(self, now: float, retry_after: float | None = None) -> None:
        """Halve the rate, and let nothing leave before `retry_after` seconds (two minutes at the most) are over."""
        self._share = max(LEAST_SHARE, self._share / 2)
        self._changed = now
        self._next = max(self._next, now + min(retry_after or 0.0, LONGEST_PAUSE))

    @property
    def current(self) -> float:
        """Calls a second at present; 0 for no limit."""
        return self.rate * self._share

    def _recover(self, now: float) -> None:
        steps = int((now - self._changed) / RECOVERY_SECONDS)
        if steps > 0 and self._share < 1:
            self._share = min(1.0, self._share + 0.1 * steps)
            self._changed = now
