"""Refills: when one may be asked for, and their life. Times are sandbox seconds."""

from smmplus.sandbox import lifecycle
from smmplus.sandbox.catalogue import Service
from smmplus.sandbox.records import Order, Refill, Refusal

REFILL_LIFE = ((0.0, "Pending"), (60.0, "In progress"))
REFILL_SECONDS = 600.0
COMPLETED = "Completed"
REJECTED = "Rejected"
_DAY = 86_400.0


def status(refill: Refill, now: float) -> str:
    """Give the refill's status word."""
    age = now - refill.asked_at
    return refill.ends if age >= REFILL_SECONDS else lifecycle.phase(REFILL_LIFE, age)


def is_open(refill: Refill, now: float) -> bool:
    """Tell whether the refill has not ended."""
    return now < refill.asked_at + REFILL_SECONDS


def check(order: Order, service: Service | None, latest: Refill | None, now: float) -> None:
    """Raise Refusal unless a refill of the order may be asked for now.

    The service must offer refills, the order must be completed and inside the service's days, and its latest refill
    must have ended.
    """
    if service is None or not service.refill:
        raise Refusal("Refill is disabled for this service")
    if lifecycle.status(order, now) != lifecycle.COMPLETED:
        raise Refusal("The order is not completed")
    if latest is not None and is_open(latest, now):
        raise Refusal("Refill already requested")
    if now > lifecycle.ends_at(order) + service.refill_days * _DAY:
        raise Refusal("Refill period has ended")
