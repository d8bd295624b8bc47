"""Read the answers about placed orders: a yes with its result, a no with its words, or neither.

The single form and each item of the multiple form are read alike. A word of the envelope ("success", "fail") is never
an order's status, and only what is listed as a yes is one.
"""

import re
from collections.abc import Callable, Iterator
from contextlib import suppress
from decimal import Decimal
from typing import TypeVar

from smmplus.api.error_texts import Meaning, gravest, is_broken_off, meaning
from smmplus.api.error_wrappings import (
    ENVELOPES,
    NO_SIGNS,
    YES_SIGNS,
    Json,
    Said,
    is_absent,
    said,
    unwrapped,
    without_markup,
)
from smmplus.errors import FollowUpError, UnknownFollowUpError
from smmplus.orders.decimals import Notation, readings
from smmplus.orders.models import Balance, OrderStatus
from smmplus.texts import _

Item = TypeVar("Item")
Reader = Callable[[Json, Notation], Item]


class UnreadableError(ValueError):
    """The document is JSON, and not an answer to the action. The text has the details, if there are any."""


_ID = re.compile(r"(?!0+$)[0-9]{1,30}|(?!0+$)[0-9A-Fa-f]{24}")


def usable_id(value: Json) -> str | None:
    """Return the id of an order or a refill as text: a number, digits, or 24 hexadecimal digits; else None."""
    if isinstance(value, bool) or not isinstance(value, str | int | Decimal):
        return None
    number = readings(value).get(".") if isinstance(value, Decimal) else None
    if number is not None and number == number.to_integral_value():
        value = int(number)  # some panels write 23501.0
    text = str(value).strip()
    return text if _ID.fullmatch(text) else None


def field(document: Json, name: str) -> Json:
    """Return a field of an object; None if there is no such field or no object."""
    return document.get(name) if isinstance(document, dict) else None


def read_order_id(document: Json, _notation: Notation) -> str:
    """Read the answer to `add`."""
    order_id = usable_id(field(document, "order"))
    if order_id is None:
        raise UnreadableError
    return order_id


def read_balance(document: Json, notation: Notation) -> Balance:
    """Read the answer to `balance`."""
    for inner in unwrapped(document):
        notation.learn([inner.get("balance")])
        held = notation.amount(inner.get("balance"))
        if held is not None:
            return Balance(held, _text(inner, "currency"))
        if readings(inner.get("balance")):
            raise UnreadableError(
                _("the balance has two readings, and no other answer of the panel shows which is right")
            )
    raise UnreadableError


_OWN = ("charge", "start_count", "remains")
"""If one of these is filled in, the object is an order, and its status is the order's own."""


def read_status(document: Json, notation: Notation) -> OrderStatus:
    """Read the status of an order, also inside envelopes."""
    for inner in unwrapped(document):
        for held in (inner, *(inner[name] for name in ("order", "status") if isinstance(inner.get(name), dict))):
            word = field(held, "order_status") or field(held, "status")
            own = "order_status" in held or any(held.get(name) not in (None, "") for name in _OWN)
            if isinstance(word, str) and word.strip() and (own or not _is_envelope(word)):
                return _status(word.strip(), held, notation)
    raise UnreadableError


def _is_envelope(word: str) -> bool:
    return word.strip().lower() in YES_SIGNS | NO_SIGNS | {"1"}


def _status(word: str, held: Json, notation: Notation) -> OrderStatus:
    notation.learn(held.get(name) for name in _OWN)
    charge = notation.amount(held.get("charge"))
    start_count, remains = notation.count(held.get("start_count")), notation.count(held.get("remains"))
    read = {"charge": charge, "start_count": start_count, "remains": remains}
    unread = ", ".join(
        f"{name} {str(held[name])[:40]!r}" for name in _OWN if read[name] is None and _is_number(held.get(name))
    )
    return OrderStatus(word, charge, start_count, remains, _text(held, "currency"), unread)


def _is_number(value: Json) -> bool:
    """Return whether a value is a number that cannot be read, and not a word such as "many"."""
    return isinstance(value, str) and re.search("[0-9]", value) is not None


def read_refill_id(document: Json, _notation: Notation) -> str:
    """Read the id of an accepted refill. An id next to a "fail" is not one."""
    value = field(document, "refill")
    if False in {said(document).sign, said(value).sign}:
        raise UnreadableError
    refill_id = usable_id(field(value, "refill") or field(value, "id") if isinstance(value, dict) else value)
    if refill_id is None:
        raise UnreadableError
    return refill_id


def read_refill_word(document: Json, _notation: Notation) -> str:
    """Read the status of a refill."""
    for inner in unwrapped(document):
        word = inner.get("refill_status") or inner.get("status")
        # "Error" is also a status of a refill. Then there are no words of an error next to it.
        own = "refill_status" in inner or (str(word).strip().lower() == "error" and not said(inner).texts)
        if isinstance(word, str) and word.strip() and (own or not _is_envelope(word)):
            return word.strip()
    raise UnreadableError


_YES = r"true|yes|ok|okay|success|successful|accepted|requested|cancel(l?ation)? requested|cancel(l?ed|l?ing)"
_CANCEL_YES = {
    "cancel": re.compile(rf"[1-9][0-9]*|pending|processing|in progress|queued|{_YES}", re.IGNORECASE),
    "status": re.compile(_YES, re.IGNORECASE),
}
"""Field -> what counts as a yes to a cancel. A number is 1 or the request's id; in `status` it is the envelope's."""


def read_cancel(document: Json, _notation: Notation) -> str:
    """Read the answer to an accepted cancel. A yes next to a "fail" is not one."""
    says_no = said(document).sign is False
    for name, yes in _CANCEL_YES.items():
        value = field(document, name)
        if not says_no and not is_absent(value) and yes.fullmatch(str(value).strip()):
            return str(value)
        if value is False or not is_absent(value):
            break
    raise UnreadableError


def refused(item: Json, key: str, *, is_whole: bool) -> FollowUpError | None:
    """Return the refusal of an item: words next to or under the field `key`, or in place of it; None if there is none.

    What leaves doubt is not a refusal. If the item is the whole answer, a "fail" may mean more than this item.
    """
    if isinstance(item, str):
        words = without_markup(item)
        return FollowUpError(words) if meaning(words) not in {Meaning.DOUBT, Meaning.UNKNOWN} else None
    value = field(item, key)
    found, nested = said(item), said(value) if isinstance(value, dict) else Said()
    texts = nested.texts if nested.is_error or nested.sign is False else ()
    if not texts and (found.is_error or (found.sign is False and not is_whole)):
        texts = found.texts
    texts = texts or (_plain_no(value, found) if key in {"cancel", "refill"} else ())
    return None if not texts or is_broken_off(texts) else _follow_up_error(texts)


def _follow_up_error(texts: tuple[str, ...]) -> FollowUpError:
    is_known = gravest(texts) not in {Meaning.DOUBT, Meaning.UNKNOWN}
    return (FollowUpError if is_known else UnknownFollowUpError)("; ".join(texts))


def _plain_no(value: Json, found: Said) -> tuple[str, ...]:
    """Find a no in place of the result: false, or words that are not a yes."""
    if value is False or (isinstance(value, str) and value.strip().lower() in {"false", "no"}):
        return found.texts or (f"the panel answered {str(value).strip().lower()!r}",)
    if not isinstance(value, str) or is_absent(value) or _CANCEL_YES["cancel"].fullmatch(value.strip()):
        return ()
    return (without_markup(value),) if re.search("[^0-9A-Fa-f]", value.strip()) else ()


def each(
    document: Json, notation: Notation, *, ids: tuple[str, ...], name: str, action: str, read: Reader[Item]
) -> dict[str, Item | FollowUpError]:
    """Read an answer to many ids: a map or a list.

    Left out are ids that were not asked for, items that cannot be read, and ids with two different answers. Raises
    UnreadableError if nothing is left.
    """
    found: dict[str, Item | FollowUpError] = {}
    unclear: set[str] = set()
    says_no = action in {"refill", "cancel"} and said(document).sign is False
    items = [(item_id, item) for item_id, item in _items(document, ids, name, action) if item_id in ids]
    notation.learn(field(item, part) for _id, item in items for part in _OWN)
    for item_id, item in items:
        with suppress(UnreadableError):
            answer = _one(item, notation, action, read, is_whole=item is document)
            if says_no and not isinstance(answer, FollowUpError):
                continue  # a yes inside a "fail" is not one
            if str(found.setdefault(item_id, answer)) != str(answer):
                unclear.add(item_id)
    for item_id in unclear:
        del found[item_id]
    if not found:
        shown = ", ".join(ids[:5]) + (" …" if len(ids) > 5 else "")
        raise UnreadableError(_("the answer leaves out {field} {ids}", field=name, ids=shown))
    return found


def _one(item: Json, notation: Notation, action: str, read: Reader[Item], *, is_whole: bool) -> Item | FollowUpError:
    """Read one item: first the field of an error, then the result, then the words of a no."""
    key = "status" if action == "refill_status" else action
    if not said(item).is_error and not said(field(item, key)).is_error:
        with suppress(UnreadableError):
            return read(item, notation)
    refusal = refused(item, key, is_whole=is_whole)
    if refusal is None:
        raise UnreadableError
    return refusal


def read_single(document: Json, notation: Notation, *, name: str, action: str, asked: str, read: Reader[Item]) -> Item:
    """Read an answer to one id by the same rules; raise FollowUpError if it is a no."""
    answer = each(document, notation, ids=(asked,), name=name, action=action, read=read)[asked]
    if isinstance(answer, FollowUpError):
        raise answer
    return answer


_MAPS = ("orders", "statuses", "refills", "cancels", *ENVELOPES)


def _items(document: Json, ids: tuple[str, ...], name: str, action: str) -> Iterator[tuple[str | None, Json]]:
    if isinstance(document, dict) and not any(item_id in document for item_id in ids):
        held = next((document[key] for key in _MAPS if isinstance(document.get(key), dict | list)), None)
        if held is not None:
            yield from _items(held, ids, name, action)
        elif len(ids) == 1 and not _is_of_another(document, ids[0], name):
            yield ids[0], document  # some panels answer a single id like the single form
        return
    if isinstance(document, list):
        names = (name, f"{name}_id", *(["id"] if action.endswith("status") else []))
        yield from ((_id_of(item, names), item) for item in document)
    elif isinstance(document, dict):
        yield from document.items()


def _is_of_another(item: Json, asked: str, name: str) -> bool:
    """Return whether an answer names another order or refill than the one asked for: it may belong to another call."""
    named = {usable_id(field(item, key)) for key in (name, f"{name}_id")} - {None}
    return bool(named) and asked not in named


def _id_of(item: Json, names: tuple[str, ...]) -> str | None:
    values = (field(item, key) for key in names)
    return next((str(value).strip() for value in values if value and isinstance(value, str | int)), None)


def _text(document: Json, name: str) -> str:
    return str(field(document, name) or "").strip()
