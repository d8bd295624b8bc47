"""The price list of a panel as a person last saw it, and what changed since.

It is kept in the platform's data folder, in one file for each account and panel address, because panels have prices of
their own for accounts. Each file is written atomically: of two commands at once, one is the last look.
"""

import hashlib
import json
from collections.abc import Iterable, Mapping
from dataclasses import asdict, dataclass, fields
from datetime import UTC, datetime
from decimal import Decimal
from pathlib import Path
from typing import BinaryIO

from platformdirs import user_data_path

from bulk.files.atomic_write import write_atomically
from bulk.model.errors import SheetError
from smmplus.orders.decimals import plain
from smmplus.orders.models import Service
from smmplus.texts import _

FORMAT = "services of smmplus, version 1"

_LIMITS = frozenset({"min", "max"})


@dataclass(frozen=True, slots=True)
class KeptServices:
    """A price list, as it was kept."""

    at: str
    """When it was the panel's."""
    services: Mapping[str, Service]


@dataclass(frozen=True, slots=True)
class Change:
    """What changed in one service."""

    before: Service | None
    """None if it is new."""
    after: Service | None
    """None if it is gone."""
    fields: tuple[str, ...] = ()
    """The fields that changed, if it is neither."""

    @property
    def service(self) -> Service:
        """The service as it is, or as it was before it was gone."""
        found = self.after or self.before
        if found is None:
            raise ValueError
        return found

    @property
    def kind(self) -> str:
        """What happened to it."""
        return "new" if self.before is None else "gone" if self.after is None else "changed"

    @property
    def rate_percent(self) -> Decimal | None:
        """By how many percent the price rose, negative if it fell; None if it is the same or cannot be read."""
        old, new = (None if each is None else each.rate for each in (self.before, self.after))
        return None if not old or new is None or old == new else (new - old) * 100 / old


def by_id(services: Iterable[Service]) -> dict[str, Service]:
    """Return services by their ids. One without an id cannot be compared."""
    return {service.id: service for service in services if service.id}


def changes_between(before: Mapping[str, Service], after: Mapping[str, Service]) -> list[Change]:
    """Return what changed: first the services that are gone, then those that changed, then new ones."""
    gone = [Change(service, None) for number, service in before.items() if number not in after]
    both = [(before[number], service) for number, service in after.items() if number in before]
    changed = [Change(old, new, names) for old, new in both if (names := _changed_fields(old, new))]
    return gone + changed + [Change(None, service) for number, service in after.items() if number not in before]


def _changed_fields(old: Service, new: Service) -> tuple[str, ...]:
    names = [each.name for each in fields(Service) if each.name != "unusable"]
    # Limits that could not be read are 0 and none, which the panel did not say.
    compared = [name for name in names if name not in _LIMITS or not (old.unusable or new.unusable)]
    found = [name for name in compared if getattr(old, name) != getattr(new, name)]
    return (*found, *(["unusable"] if bool(old.unusable) != bool(new.unusable) else []))


def seen(kept: Mapping[str, Service], shown: Iterable[Change]) -> dict[str, Service]:
    """Return the list to keep after some changes were shown: what was not shown stays as it was."""
    services = dict(kept)
    for change in shown:
        if change.after is None:
            services.pop(change.service.id, None)
        else:
            services[change.service.id] = change.after
    return services


def path_of(account: str, url: str) -> Path:
    """Return the path of the file with the list of an account at a panel."""
    digest = hashlib.sha256(f"{account} {url}".encode()).hexdigest()[:16]
    return user_data_path("smmplus") / "services" / f"{digest}.json"


def read(path: Path) -> KeptServices | None:
    """Read a kept list; None if there is none.

    :raises SheetError: if it cannot be read, or :func:`keep` did not write it.
    """
    try:
        document = json.loads(path.read_bytes())
        if document["format"] != FORMAT:
            raise ValueError  # noqa: TRY301 (one message for all that is wrong with it)
        at = datetime.fromisoformat(document["at"]).isoformat()
        return KeptServices(at, by_id(map(_service, document["services"])))
    except FileNotFoundError:
        return None
    except OSError as error:
        raise SheetError(_("{path} cannot be read: {error}", path=path, error=error.strerror)) from error
    except (ValueError, LookupError, TypeError, AttributeError, ArithmeticError, RecursionError):
        raise SheetError(_("{path} was not written by this version of smmplus", path=path)) from None


def _service(row: Mapping[str, str | None]) -> Service:
    known = {each.name for each in fields(Service)}
    if set(row) != known:
        raise ValueError
    rate = row["rate"]
    return Service(**{**row, "rate": None if rate is None else Decimal(rate)})  # type: ignore[arg-type]


def keep(path: Path, services: Iterable[Service], at: str | None = None) -> None:
    """Keep a list, by default as the panel's of now.

    :raises SheetError: if it cannot be written.
    """
    rows = [asdict(each) | {"rate": None if each.rate is None else plain(each.rate)} for each in services]
    document = {"format": FORMAT, "at": at or datetime.now(UTC).isoformat(timespec="seconds"), "services": rows}

    def write(out: BinaryIO) -> None:
        out.write(json.dumps(document).encode())

    try:
        path.parent.mkdir(parents=True, exist_ok=True)
    except OSError as error:
        raise SheetError(_("{path} cannot be made: {error}", path=path.parent, error=error.strerror)) from error
    write_atomically(path, write, mode_of=None)
