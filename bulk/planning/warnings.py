"""What a person should think of twice before orders are sent. It never stops a run: a person decides."""

import re
from collections import defaultdict
from collections.abc import Collection, Iterable, Mapping, Sequence
from dataclasses import dataclass
from functools import lru_cache
from urllib.parse import parse_qsl, quote, unquote, urlencode, urlsplit

from bulk.model.sheet import Problem, Sheet
from bulk.model.surfaces import COMMAND_LINE, Surface
from bulk.planning.orders import OrderRow
from smmplus.journal import queries
from smmplus.journal.entry import Entry
from smmplus.journal.journal import Journal
from smmplus.journal.lookup import find_spent
from smmplus.orders.decimals import plain
from smmplus.orders.models import OrderRequest
from smmplus.orders.order_types import FIELDS
from smmplus.reconciliation.balance_drops import Fall

_PLAIN = re.compile(r"https://(?!www\.|m\.|mobile\.)([a-z0-9-]+\.[a-z0-9.-]+)((?:/[A-Za-z0-9_.~@-]+)+)")
"""A link that is its own form, but for the names of hosts: nearly all of a sheet, and found without taking it apart."""

_HOSTS = {
    "twitter.com": "x.com",
    "instagr.am": "instagram.com",
    "fb.com": "facebook.com",
    "telegram.me": "t.me",
    "telegram.dog": "t.me",
    "youtube-nocookie.com": "youtube.com",
    "music.youtube.com": "youtube.com",
}
"""Other names of the same sites."""

_IN_FRONT = re.compile(r"\A(?:www|m|mobile)\.(?=[^.]+\.)")

_TRACKING = re.compile(
    r"utm_.*|mtm_.*|pk_.*|hsa_.*|_hs.*|igsh|igshid|ig_.*|fbclid|fb_.*|mibextid|__tn__|__cft__.*|sfnsn|rdid|share_url"
    r"|gclid|gclsrc|dclid|gbraid|wbraid|msclkid|yclid|twclid|ttclid|scid|li_fat_id|epik|mc_[ce]id|_ga|_gl|srsltid"
    r"|ref|ref_src|ref_url|share_id|xmt|trk",
    re.IGNORECASE,
)
"""What sites and advertisers add to a link to know where it was shared."""

_OF_ONE_SITE = {
    "instagram.com": {"hl", "img_index", "next"},
    "facebook.com": {"paipv", "eav", "locale", "_rdr", "hc_ref", "fref"},
    "x.com": {"s", "t", "lang"},
    "youtube.com": {"si", "feature", "t", "pp", "ab_channel"},
    "tiktok.com": {"_r", "_t", "_d", "is_from_webapp", "is_copy_url", "sender_device", "sender_web_id", "web_id",
                   "lang", "u_code", "tt_from", "enter_method", "share_app_id", "share_link_id", "share_author_id",
                   "share_item_id", "social_sharing", "timestamp", "user_id", "sec_user_id", "source", "preview_pb"},
    "open.spotify.com": {"si", "nd", "context", "dlsi", "pi"},
    "threads.net": {"hl"},
    "linkedin.com": {"originalsubdomain", "rcm", "lipi"},
    "t.me": {"single", "embed"},
}  # fmt: skip
"""Short names that say nothing on these sites, and may mean something on another."""


@lru_cache(maxsize=4096)
def form_of(link: str) -> str:
    """Reduce a link to what it leads to; text that is no address is only put into small letters.

    Gone are http or https, www. and m., the port that goes without saying, slashes at the end, what tracks people,
    the order of the parameters, and the place on the page. Small and capital letters of a path count.
    """
    text = link.strip()
    if (plain := _PLAIN.fullmatch(text)) and plain[1] not in _HOSTS and plain[1] != "youtu.be":
        return plain[1] + plain[2]
    try:
        return _taken_apart(text if "://" in text else f"https://{text}") if "." in text else text.casefold()
    except ValueError:  # brackets in the place of a host, a port that is no number
        return text.casefold()


def _taken_apart(link: str) -> str:
    parts = urlsplit(link)
    host, path, query = _host(parts.hostname or ""), _path(parts.path), parse_qsl(parts.query, keep_blank_values=True)
    if host == "youtu.be":
        host, path, query = "youtube.com", "/watch", [("v", path.strip("/"))]
    kept = sorted((name, value) for name, value in query if _counts(host, name.lower()))
    if host == "youtube.com" and path == "/watch":
        kept = [(name, value) for name, value in kept if name == "v"]  # beside it stands the list it was found in
    port = "" if parts.port in {None, 80, 443} else f":{parts.port}"
    # Behind the mark stands a place on the page; some sites keep the whole address there.
    place = f"#{parts.fragment}" if parts.fragment.startswith(("/", "!")) else ""
    return f"{host}{port}{path}{'?' if kept else ''}{urlencode(kept)}{place}"


def _counts(host: str, name: str) -> bool:
    return name not in _OF_ONE_SITE.get(host, ()) and not _TRACKING.fullmatch(name)


def _host(name: str) -> str:
    bare = _IN_FRONT.sub("", name.rstrip("."))
    return _HOSTS.get(bare, bare)


def _path(text: str) -> str:
    """Write a path with the fewest signs: each character in one way, one slash where several stand, none at the end."""
    if "%" in text or not text.isascii():
        kept = re.sub("%2f", "%252F", text, flags=re.IGNORECASE)  # such a slash is part of a name
        text = quote(unquote(kept), safe="/@:!$&'()*+,;=~")
    return (re.sub("/+", "/", text) if "//" in text else text).rstrip("/")


_REMEDY = "if both are meant, go on; if not, take the row out"

Aim = tuple[str, str]
"""A service, and the form of what it is ordered for."""


def row_warnings(
    sheet: Sheet, to_send: Sequence[OrderRow], bound: Mapping[int, Entry], journal: Journal, campaign_id: int
) -> list[Problem]:
    """Find rows to be sent whose service and link the campaign ordered before in another way, or the sheet has twice.

    Links are the same here if they differ only in form. Equal orders are no affair of this: they are known as such.

    :param bound: row -> the order that it is, of whichever campaign.
    """
    aims = {row.number: _aim(row.request) for row in to_send}
    aimed = {aim for aim in aims.values() if aim is not None}
    if not aimed:
        return []
    earlier = _by_aim(_spent(journal, campaign_id, aimed, bound.values()))
    rows_of = {entry.id: row for row, entry in bound.items()}
    firsts: dict[Aim, OrderRow] = {}
    found = []
    for row in to_send:
        aim = aims[row.number]
        if aim is None:
            continue
        others = [entry for entry in earlier.get(aim, ()) if entry.request != row.request]
        if others:
            found.append(_before(sheet, row, others, rows_of))
        first = firsts.setdefault(aim, row)
        if _place(first.request) != _place(row.request):
            found.append(_twice(sheet, row, first))
    return found


def _aim(request: OrderRequest) -> Aim | None:
    place = _place(request)
    return (request.service, form_of(place)) if place else None


def _place(request: OrderRequest) -> str:
    """Say what it is ordered for."""
    return request.values.get(_field(request), "")


def _field(request: OrderRequest) -> str:
    """Name the field that says what it is ordered for: subscriptions have a user in place of a link."""
    return "link" if "link" in request.values else "username"


def _spent(journal: Journal, campaign_id: int, aimed: set[Aim], bound: Iterable[Entry]) -> list[Entry]:
    of_campaign = find_spent(journal, campaign_id, lambda request: _aim(request) in aimed)
    # A row of the sheet may be an order of another campaign; what was not ordered binds no row of another one.
    others = [entry for entry in bound if entry.campaign_id != campaign_id]
    return sorted((*others, *of_campaign), key=lambda entry: entry.id)


def _by_aim(entries: Iterable[Entry]) -> Mapping[Aim, Sequence[Entry]]:
    groups: dict[Aim, list[Entry]] = defaultdict(list)
    for entry in entries:
        if (aim := _aim(entry.request)) is not None:
            groups[aim].append(entry)
    return groups


def _before(sheet: Sheet, row: OrderRow, others: Sequence[Entry], rows_of: Mapping[int, int]) -> Problem:
    last = others[-1]
    field, differs = _difference(row.request, last.request)
    more = f", and {len(others) - 1} more" if len(others) > 1 else ""
    number = rows_of.get(last.id)
    here = "" if number is None else f", which is {sheet.where(number)}"
    message = f"the same service and {_field(row.request)} were ordered before{differs}: {_told(last)}{here}{more}"
    value = row.request.values.get(field, "")
    return Problem(sheet.where(row.number, field), field, value, message, _REMEDY, row.number)


def _difference(now: OrderRequest, before: OrderRequest) -> tuple[str, str]:
    """Name the field in which an order differs from an earlier one, and say how."""
    values, was, field = now.values, before.values, _field(now)
    changed = [name for name in dict.fromkeys((*FIELDS, *values, *was)) if values.get(name, "") != was.get(name, "")]
    words = [_changed(name, was.get(name, "")) for name in changed if name != field]
    differs = f"with {' and '.join(words)}" if words else ""
    if field in changed:
        return field, f" as {_place(before)}, which differs only in form{', ' if differs else ''}{differs}"
    return "quantity" if "quantity" in changed else changed[0], f" {differs}"


def _changed(name: str, was: str) -> str:
    if not was:
        return f"no {name}"
    return f"other {name}" if "\n" in was or len(was) > 40 else f"{name} {was}"


def _told(entry: Entry) -> str:
    order = f"order {entry.order_id}" if entry.order_id else "an order in doubt"
    status = f", {entry.order_status}" if entry.order_status else ""
    return f"{order} of {(entry.sent_at or '')[:16].replace('T', ' ')} UTC{status}"


def _twice(sheet: Sheet, row: OrderRow, first: OrderRow) -> Problem:
    field, place = _field(row.request), _place(row.request)
    message = (
        f"differs only in form from {sheet.where(first.number, field)}, for the same service: {_place(first.request)}"
    )
    return Problem(sheet.where(row.number, field), field, place, message, _REMEDY, row.number)


@dataclass(frozen=True, slots=True)
class JournalWarnings:
    """What speaks for a wrong journal. None of it stops a run: a person decides."""

    where: str
    """The journal's place, without any password."""
    uuid: str
    account: str
    is_new: bool
    """Whether the journal knows no order of the account."""
    unknown_ids: int
    """How many order ids the sheet carries, where the journal knows none of them; else 0."""
    fall: Fall | None
    """By how much the balance fell for reasons that the journal does not know."""
    surface: Surface = COMMAND_LINE

    @property
    def warnings(self) -> tuple[str, ...]:
        """Say what speaks for it, and what to do."""
        words = (self._of_ids() or self._of_newness(), "" if self.fall is None else balance_drop_warning(self.fall))
        return tuple(text for text in words if text)

    def _of_ids(self) -> str:
        if not self.unknown_ids:
            return ""
        ids = "1 order id" if self.unknown_ids == 1 else f"{self.unknown_ids} order ids"
        journal, account = self.surface.name("journal"), self.surface.name("account")
        return (
            f"this looks like the wrong journal: the sheet carries {ids}, and {self.where} (uuid {self.uuid}) knows "
            f"none of them; {journal} and {account} must name those that it was ordered with"
        )

    def _of_newness(self) -> str:
        if not self.is_new:
            return ""
        return (
            f"this journal is new to account {self.account!r} ({self.where}): if you have ordered from sheets before, "
            f"{self.surface.name('journal')} must name the journal that you ordered with"
        )


def balance_drop_warning(fall: Fall) -> str:
    """PURE: say what a fall of the balance may mean, and what to do."""
    since, currency = fall.since[:19].replace("T", " "), f" {fall.currency}" if fall.currency else ""
    return (
        f"since {since} UTC the balance fell by {plain(fall.unexplained)}{currency} more than this journal knows "
        f"(by {plain(fall.fell)}, its own orders come to {plain(fall.known)} at the most): orders may have been placed "
        "elsewhere (another computer, another journal, by hand on the site), or were charged at a higher price; "
        "compare the panel's order page before ordering"
    )


def journal_warnings(
    journal: Journal,
    account_id: int,
    account: str,
    *,
    ids: Collection[str],
    known: Collection[str],
    fall: Fall | None,
    surface: Surface = COMMAND_LINE,
) -> JournalWarnings:
    """Look for signs: `ids` are the order ids that a sheet carries, `known` those that the journal knows."""
    with journal.reading() as connection:
        is_new = not queries.has_sent(connection, account_id)
    return JournalWarnings(journal.where, journal.uuid, account, is_new, 0 if known else len(ids), fall, surface)
