"""The event that a trigger sends to the waiting task, and its validation."""

from collections.abc import Mapping
from dataclasses import dataclass, field
from enum import StrEnum


class TriggerStatus(StrEnum):
    """How the wait ended."""

    DONE = "done"
    FAILED = "failed"
    """It can never be done."""
    TIMEOUT = "timeout"


class EventError(ValueError):
    """The event of a trigger is not valid."""


@dataclass(frozen=True, slots=True)
class TriggerResult:
    """How a wait ended, in few words. The task asks for the rest itself."""

    status: TriggerStatus
    message: str = ""
    counts: Mapping[str, int] = field(default_factory=dict)
    """Status word -> number of orders or refills."""

    def payload(self) -> dict[str, object]:
        """Return the event as plain JSON."""
        return {"status": self.status.value, "message": self.message, "counts": dict(self.counts)}

    @classmethod
    def of(cls, payload: object) -> "TriggerResult":
        """Parse an event. Raise EventError if it is not valid."""
        if not isinstance(payload, Mapping):
            raise EventError(f"the trigger sent {payload!r}, which is not an event")
        try:
            status = TriggerStatus(str(payload.get("status")))
        except ValueError:
            raise EventError(f"the trigger sent the unknown status {payload.get('status')!r}") from None
        counts = payload.get("counts", {})
        if not isinstance(counts, Mapping) or not all(isinstance(count, int) for count in counts.values()):
            raise EventError(f"the trigger sent invalid counts: {counts!r}")
        return cls(status, str(payload.get("message", "")), {str(word): int(count) for word, count in counts.items()})
