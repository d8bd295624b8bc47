"""The texts that people read, in English or in the language of `SMMPLUS_LANGUAGE`.

The English text stands in the code, as `_("Place {count} orders?", count=8)`. `languages/id.po` has the others.
`python -m tests.catalogue` brings that file up to date with the code.
"""

import locale
import os
from collections.abc import Iterable, Mapping, MutableMapping
from contextvars import ContextVar
from functools import cache, reduce
from importlib.resources import files
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from babel.messages import Catalog

VARIABLE = "SMMPLUS_LANGUAGE"
LANGUAGES = ("en", "id")

LANGUAGE: ContextVar[str] = ContextVar("LANGUAGE", default="")
"""The language of one visitor of a page; "" for that of the process."""


def language() -> str:
    """Return the language of texts, as it was chosen."""
    return LANGUAGE.get() or os.environ.get(VARIABLE, "")


def _(text: str, /, **values: object) -> str:
    """Return a text in the chosen language, with values in the places that it names."""
    catalog = _catalog(language())
    message = None if catalog is None else catalog.get(text)
    translated = text if message is None or message.fuzzy else str(message.string or text)
    return translated.format(**values) if values else translated


def counted(number: int, noun: str) -> str:
    """Return "1 order", "2 orders". The noun is translated; Indonesian has no plural of its own after a number."""
    translated = _(noun)
    return f"{number} {translated}{'' if number == 1 or translated != noun else 's'}"


def joined(texts: Iterable[str]) -> str:
    """Return "a and b", or "a and b and c"."""
    return reduce(lambda first, second: _("{first} and {second}", first=first, second=second), texts)


def marked(text: str) -> str:
    """Return a text as it is. It is translated where it is used: before, the language is not known."""
    return text


def choose_language(environment: MutableMapping[str, str]) -> None:
    """Let texts be in the language of a person's computer, unless `SMMPLUS_LANGUAGE` has one. Processes inherit it."""
    environment.setdefault(VARIABLE, _language_of(environment))


def _language_of(environment: Mapping[str, str]) -> str:
    named = next(filter(None, (environment.get(name) for name in ("LC_ALL", "LC_MESSAGES", "LANG"))), "")
    language = (named or locale.getlocale()[0] or "").lower()
    return "id" if language.startswith(("id_", "id.", "indonesian")) or language == "id" else "en"


@cache
def _catalog(language: str) -> "Catalog | None":
    if language.lower()[:2] != "id":
        return None
    from babel.messages.pofile import read_po  # noqa: PLC0415 (English needs none)

    with files("smmplus").joinpath("languages/id.po").open("rb") as file:
        return read_po(file, locale="id")
