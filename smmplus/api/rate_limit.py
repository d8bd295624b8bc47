"""The pause between calls. The clock is an argument."""

from dataclasses import dataclass, field

RECOVERY_SECONDS = 60.0
"""After so long without a 429 the rate is raised by a tenth of the configured one."""

LEAST_SHARE = 1 / 16
"""However often the panel answers 429, this share of the rate remains."""

LONGEST_PAUSE = 120.0
"""A run whose panel asks for a longer pause ends, so that a person learns of it."""


@dataclass(slots=True)
class RateLimit:
    """Calls a second, halved after each 429 and slowly raised again; 0 for no limit.

    smm.plus publishes no limit (https://smm.plus/api). Panels with the same API document 30 to 100 calls a minute.
    """

    rate: float
    _share: float = field(default=1.0, init=False)
    _next: float = field(default=0.0, init=False)
    _changed: float = field(default=0.0, init=False)

    def reserve(self, now: float) -> float:
        """Reserve the next free moment, and return how many seconds after `now` it is."""
        at = max(now, self._next)
        if self.rate > 0:
            self._recover(at)
            self._next = at + 1 / (self.rate * self._share)
        return at - now

    def slow_down(self, now: float, retry_after: float | None = None) -> None:
        """Halve the rate, and send nothing before `retry_after` seconds have passed (two minutes at most)."""
        self._share = max(LEAST_SHARE, self._share / 2)
        self._changed = now
        self._next = max(self._next, now + min(retry_after or 0.0, LONGEST_PAUSE))

    @property
    def current(self) -> float:
        """The present rate in calls a second; 0 for no limit."""
        return self.rate * self._share

    def _recover(self, now: float) -> None:
        steps = int((now - self._changed) / RECOVERY_SECONDS)
        if steps > 0 and self._share < 1:
            self._share = min(1.0, self._share + 0.1 * steps)
            self._changed = now
