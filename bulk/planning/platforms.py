"""Warn of a service for one platform with a link of another, such as Instagram likes for a video on YouTube.

The platforms are data: `platforms.toml`, and a file of the same form that the user names in `SMMPLUS_PLATFORMS`.
"""

import os
import re
import tomllib
from collections.abc import Iterable, Iterator, Mapping
from functools import cache
from pathlib import Path
from typing import TypeGuard
from urllib.parse import urlsplit

from bulk.model.errors import SheetError
from bulk.model.sheet import Problem, Sheet
from bulk.planning.orders import OrderRow
from smmplus.orders.models import Service
from smmplus.texts import _, marked

SETTING = "SMMPLUS_PLATFORMS"
"""The environment variable that names a file with more platforms."""

_REMEDY = marked("continue if it is intended; otherwise correct the service or the link")
_BLANKS = re.compile(r"[\W_]+")
_TRAFFIC = " traffic "
"""A service that sends visitors from one platform may well send them to another."""


def platform_warnings(sheet: Sheet, rows: Iterable[OrderRow], services: Mapping[str, Service]) -> Iterator[Problem]:
    """Find rows whose service is for one platform and whose link leads to another.

    A service that names no platform or several, and a link to a host that is in no list, are not judged.

    :raises SheetError: if the user's file of platforms cannot be read.
    """
    known = _platforms(os.environ.get(SETTING, ""))
    meant: dict[str, str | None] = {}
    for row in rows:
        service, link = services.get(row.request.service), row.request.values.get("link")
        if service is None or link is None:
            continue
        if service.id not in meant:
            meant[service.id] = _only_platform(service, known)
        wanted = meant[service.id]
        found = _platform_of(link, known) if wanted else None
        if found is not None and found != wanted:
            message = _(
                "service {service} ({name}) is for {wanted}, but the link leads to {found}",
                service=service.id,
                name=service.name,
                wanted=wanted,
                found=found,
            )
            yield Problem(sheet.where(row.number, "link"), "link", link, message, _(_REMEDY), row.number)


class _Platforms:
    """Words and hosts, each with its platform."""

    def __init__(self) -> None:
        self.words: dict[str, str] = {}
        self.hosts: dict[str, str] = {}

    def add(self, name: str, words: Iterable[str], hosts: Iterable[str]) -> None:
        self.words.update((_plain(word), name) for word in words)
        self.hosts.update((host.casefold().removeprefix("www."), name) for host in hosts)


@cache
def _platforms(path: str) -> _Platforms:
    known = _Platforms()
    for file in (Path(__file__).with_suffix(".toml"), *([Path(path)] if path else [])):
        for name, words, hosts in _read(file):
            known.add(name, words, hosts)
    return known


def _read(path: Path) -> Iterator[tuple[str, list[str], list[str]]]:
    try:
        document = tomllib.loads(path.expanduser().read_text(encoding="utf-8"))
    except (OSError, RuntimeError) as error:
        raise SheetError(
            _("{path}: cannot be opened. Correct {setting}, or leave it out.", path=path, setting=SETTING)
        ) from error
    except ValueError as error:
        raise SheetError(_("{path}: is not TOML in UTF-8. {example}", path=path, example=_(_EXAMPLE))) from error
    for name, about in document.items():
        words, hosts = (about.get(key, []) if isinstance(about, dict) else None for key in ("words", "hosts"))
        if not (_are_texts(words) and _are_texts(hosts)):
            raise SheetError(
                _("{path}: {name} needs lists of words and hosts. {example}", path=path, name=name, example=_(_EXAMPLE))
            )
        yield name, words, hosts


def _are_texts(value: object) -> TypeGuard[list[str]]:
    return isinstance(value, list) and all(isinstance(text, str) and _plain(text).strip() for text in value)


_EXAMPLE = marked('Write each platform as: [Kwai], words = ["kwai"], hosts = ["kwai.com"], on three lines.')


def _plain(text: str) -> str:
    """Return the words of a text in lower case, with a space around each."""
    return f" {_BLANKS.sub(' ', text.casefold()).strip()} "


def _only_platform(service: Service, known: _Platforms) -> str | None:
    """Return the platform that a service's name and category name, None if there is none or there are several."""
    text = _plain(f"{service.name} | {service.category}")
    found = {name for word, name in known.words.items() if word in text}
    return found.pop() if len(found) == 1 and _TRAFFIC not in text else None


def _platform_of(link: str, known: _Platforms) -> str | None:
    """Return the platform of a link by its host, or by the domain that its host belongs to."""
    try:
        labels = (urlsplit(link).hostname or "").rstrip(".").split(".")
    except ValueError:  # brackets instead of a host
        return None
    return next(filter(None, (known.hosts.get(".".join(labels[at:])) for at in range(len(labels)))), None)
