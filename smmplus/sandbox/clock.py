"""Sandbox time: Unix seconds that run `speed` times as fast as real ones."""

from dataclasses import dataclass


@dataclass(frozen=True, slots=True)
class Clock:
    """A moment known in both times, and the speed since. Times are seconds since 1970."""

    real: float
    sandbox: float
    speed: float

    def now(self, real: float) -> float:
        """Give the sandbox time at a real time; it never goes back behind its anchor."""
        return self.sandbox + max(0.0, real - self.real) * self.speed

    def advanced(self, real: float, seconds: float) -> "Clock":
        """Give the clock moved on by some sandbox seconds."""
        return Clock(real, self.now(real) + seconds, self.speed)

    def not_before(self, sandbox: float) -> "Clock":
        """Give the clock with its anchor no earlier than a sandbox time that has been already."""
        return Clock(self.real, max(self.sandbox, sandbox), self.speed) if self.now(self.real) < sandbox else self

    def at_speed(self, real: float, speed: float) -> "Clock":
        """Give the clock that goes on from here at another speed."""
        return Clock(real, self.now(real), speed)
