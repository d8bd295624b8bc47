"""PURE: what a trigger tells the task that waits for it, checked where it arrives."""

from collections.abc import Mapping
from dataclasses import dataclass, field
from enum import StrEnum


class TriggerStatus(StrEnum):
    """How the wait ended."""

    DONE = "done"
    FAILED = "failed"
    """It can never be done any more."""
    TIMEOUT = "timeout"


class EventError(ValueError):
    """What arrived is no event of ours."""


@dataclass(frozen=True, slots=True)
class TriggerResult:
    """How a wait ended, in few words: the task asks for the rest itself."""

    status: TriggerStatus
    message: str = ""
    counts: Mapping[str, int] = field(default_factory=dict)
    """How many orders or refills have which status word."""

    def payload(self) -> dict[str, object]:
        """Give it as plain JSON."""
        return {"status": self.status.value, "message": self.message, "counts": dict(self.counts)}

    @classmethod
    def of(cls, payload: object) -> "TriggerResult":
        """Read an event. EventError where it is none."""
        if not isinstance(payload, Mapping):
            raise EventError(f"the trigger sent {payload!r}, which is no event")
        try:
            status = TriggerStatus(str(payload.get("status")))
        except ValueError:
            raise EventError(f"the trigger sent the status {payload.get('status')!r}, which is none of ours") from None
        counts = payload.get("counts", {})
        if not isinstance(counts, Mapping) or not all(isinstance(count, int) for count in counts.values()):
            raise EventError(f"the trigger sent counts that are none: {counts!r}")
        return cls(status, str(payload.get("message", "")), {str(word): int(count) for word, count in counts.items()})
