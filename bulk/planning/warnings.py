"""Warnings before orders are sent: links ordered before, a journal that looks wrong. They never stop a run."""

import re
from collections import defaultdict
from collections.abc import Collection, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from functools import lru_cache
from urllib.parse import parse_qsl, quote, unquote, urlencode, urlsplit

from bulk.model.fields import LIST_FIELDS
from bulk.model.sheet import Problem, Sheet
from bulk.model.surfaces import COMMAND_LINE, Surface
from bulk.planning.orders import OrderRow
from smmplus.commands import command, local_time
from smmplus.journal import queries
from smmplus.journal.entry import Entry
from smmplus.journal.journal import Journal
from smmplus.journal.lookup import find_spent
from smmplus.orders.decimals import plain
from smmplus.orders.models import OrderRequest
from smmplus.orders.order_types import FIELDS
from smmplus.reconciliation.balance_drops import Fall
from smmplus.texts import _, counted, joined, marked

_CANONICAL = re.compile(r"https://(?!www\.|m\.|mobile\.)([a-z0-9-]+\.[a-z0-9.-]+)((?:/[A-Za-z0-9_.~@-]+)+)")
"""A link that is canonical already but for its scheme: nearly all links of a sheet, and cheap to recognize."""

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

_HOST_PREFIX = re.compile(r"\A(?:www|m|mobile)\.(?=[^.]+\.)")

_TRACKING = re.compile(
    r"utm_.*|mtm_.*|pk_.*|hsa_.*|_hs.*|igsh|igshid|ig_.*|fbclid|fb_.*|mibextid|__tn__|__cft__.*|sfnsn|rdid|share_url"
    r"|gclid|gclsrc|dclid|gbraid|wbraid|msclkid|yclid|twclid|ttclid|scid|li_fat_id|epik|mc_[ce]id|_ga|_gl|srsltid"
    r"|ref|ref_src|ref_url|share_id|xmt|trk",
    re.IGNORECASE,
)
"""What sites and advertisers add to a link to know where it was shared."""

_INSIGNIFICANT = {
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
"""Parameters that do not change what a link leads to on these sites, but may on another."""


@lru_cache(maxsize=4096)
def canonical_link(link: str) -> str:
    """Return what a link leads to, in one form; text that is not an address is only put into lower case.

    Left out are the scheme, www. and m., the default port, slashes at the end, tracking parameters, the order of
    parameters, and the fragment. The case of a path counts.
    """
    text = link.strip()
    if (plain := _CANONICAL.fullmatch(text)) and plain[1] not in _HOSTS and plain[1] != "youtu.be":
        return plain[1] + plain[2]
    try:
        return _canonical_address(text if "://" in text else f"https://{text}") if "." in text else text.casefold()
    except ValueError:  # brackets instead of a host, or a port that is not a number
        return text.casefold()


def _canonical_address(link: str) -> str:
    parts = urlsplit(link)
    host, path, query = _host(parts.hostname or ""), _path(parts.path), parse_qsl(parts.query, keep_blank_values=True)
    if host == "youtu.be":
        host, path, query = "youtube.com", "/watch", [("v", path.strip("/"))]
    kept = sorted((name, value) for name, value in query if _is_significant(host, name.lower()))
    if host == "youtube.com" and path == "/watch":
        kept = [(name, value) for name, value in kept if name == "v"]  # the others name the list that it was found in
    port = "" if parts.port in {None, 80, 443} else f":{parts.port}"
    # A fragment is a place on the page; some sites keep the whole path in it.
    fragment = f"#{parts.fragment}" if parts.fragment.startswith(("/", "!")) else ""
    return f"{host}{port}{path}{'?' if kept else ''}{urlencode(kept)}{fragment}"


def _is_significant(host: str, name: str) -> bool:
    return name not in _INSIGNIFICANT.get(host, ()) and not _TRACKING.fullmatch(name)


def _host(name: str) -> str:
    bare = _HOST_PREFIX.sub("", name.rstrip("."))
    return _HOSTS.get(bare, bare)


def _path(text: str) -> str:
    """Return a path with every character in one encoding, single slashes, and none at the end."""
    if "%" in text or not text.isascii():
        kept = re.sub("%2f", "%252F", text, flags=re.IGNORECASE)  # an encoded slash is part of a name
        text = quote(unquote(kept), safe="/@:!$&'()*+,;=~")
    return (re.sub("/+", "/", text) if "//" in text else text).rstrip("/")


_LIST_REMEDY = marked(
    "continue if it is one item; otherwise write one item a line (Alt+Enter begins a new line in a cell)"
)
_TYPED_BREAK = re.compile(r"\\[nr]|\|")


def list_warnings(sheet: Sheet, to_send: Iterable[OrderRow]) -> Iterator[Problem]:
    """Find lines of lists that look like several items, separated by "|" or a typed line break."""
    for row in to_send:
        for field, text in row.request.values.items():
            if field not in LIST_FIELDS:
                continue
            line = next(filter(_TYPED_BREAK.search, text.split("\n")), None)
            if line is not None:
                sign, count = _TYPED_BREAK.findall(line)[0], text.count("\n") + 1
                message = _(
                    "a line has {sign}, but each line is one of the {field}: {count} in all",
                    sign=sign,
                    field=field,
                    count=count,
                )
                yield Problem(sheet.where(row.number, field), field, line, message, _(_LIST_REMEDY), row.number)


_TARGET_REMEDY = marked("continue if the text is the address you mean; otherwise type the other one into the cell")


def target_warnings(sheet: Sheet, to_send: Iterable[OrderRow]) -> Iterator[Problem]:
    """Find links that show one address and lead to another. The one that is shown is ordered."""
    for row in to_send if sheet.targets else ():
        target, link = sheet.targets.get(row.number), row.request.values.get("link", "")
        if target and "://" in link and canonical_link(target) != canonical_link(link):
            message = _("the cell shows {link}, which will be ordered, but leads to {target}", link=link, target=target)
            yield Problem(sheet.where(row.number, "link"), "link", link, message, _(_TARGET_REMEDY), row.number)


_REMEDY = marked("continue if both are intended; otherwise delete one")

Target = tuple[str, str]
"""A service, and the canonical form of what it is ordered for."""


def row_warnings(
    sheet: Sheet, to_send: Sequence[OrderRow], matched: Mapping[int, Entry], journal: Journal, campaign_id: int
) -> list[Problem]:
    """Find rows to send whose service and link were ordered before with other values, or are twice in the sheet.

    Links are the same here if their canonical forms are. Equal orders are not warned of: matching knows them.

    :param matched: row -> the order that it is, of any campaign.
    """
    targets = {row.number: _target(row.request) for row in to_send}
    wanted = {target for target in targets.values() if target is not None}
    if not wanted:
        return []
    earlier = _by_target(_spent(journal, campaign_id, wanted, matched.values()))
    rows_of = {entry.id: row for row, entry in matched.items()}
    firsts: dict[Target, OrderRow] = {}
    found = []
    for row in to_send:
        target = targets[row.number]
        if target is None:
            continue
        others = [entry for entry in earlier.get(target, ()) if entry.request != row.request]
        if others:
            found.append(_ordered_before(sheet, row, others, rows_of))
        first = firsts.setdefault(target, row)
        if _link_or_user(first.request) != _link_or_user(row.request):
            found.append(_ordered_twice(sheet, row, first))
    return found


def _target(request: OrderRequest) -> Target | None:
    place = _link_or_user(request)
    return (request.service, canonical_link(place)) if place else None


def _link_or_user(request: OrderRequest) -> str:
    """Return what it is ordered for."""
    return request.values.get(_field(request), "")


def _field(request: OrderRequest) -> str:
    """Return the field that has what it is ordered for: subscriptions have a user instead of a link."""
    return "link" if "link" in request.values else "username"


def _spent(journal: Journal, campaign_id: int, wanted: set[Target], matched: Iterable[Entry]) -> list[Entry]:
    of_campaign = find_spent(journal, campaign_id, lambda request: _target(request) in wanted)
    # A row of the sheet may be an order of another campaign.
    others = [entry for entry in matched if entry.campaign_id != campaign_id]
    return sorted((*others, *of_campaign), key=lambda entry: entry.id)


def _by_target(entries: Iterable[Entry]) -> Mapping[Target, Sequence[Entry]]:
    groups: dict[Target, list[Entry]] = defaultdict(list)
    for entry in entries:
        if (target := _target(entry.request)) is not None:
            groups[target].append(entry)
    return groups


def _ordered_before(sheet: Sheet, row: OrderRow, others: Sequence[Entry], rows_of: Mapping[int, int]) -> Problem:
    last = others[-1]
    order, number = _describe(last), rows_of.get(last.id)
    if number is not None:
        order = _("{order}, which is {where}", order=order, where=sheet.where(number))
    if len(others) > 1:
        order = _("{order}, and {count} more", order=order, count=len(others) - 1)
    field, message = _difference(row.request, last.request, order)
    value = row.request.values.get(field, "")
    return Problem(sheet.where(row.number, field), field, value, message, _(_REMEDY), row.number)


def _difference(now: OrderRequest, before: OrderRequest, order: str) -> tuple[str, str]:
    """Return the field in which an order differs from an earlier one, and the warning."""
    values, was, field = now.values, before.values, _field(now)
    changed = [name for name in dict.fromkeys((*FIELDS, *values, *was)) if values.get(name, "") != was.get(name, "")]
    words = [_changed(name, was.get(name, "")) for name in changed if name != field]
    named = {"field": field, "order": order}
    if field not in changed:
        text = _("the same service and {field} were ordered before with {values}: {order}")
        return "quantity" if "quantity" in changed else changed[0], text.format(values=joined(words), **named)
    if words:
        text = _(
            "the same service and {field} were ordered before as {before}, which differs only in form, with {values}: "
            "{order}"
        )
        return field, text.format(before=_link_or_user(before), values=joined(words), **named)
    text = _("the same service and {field} were ordered before as {before}, which differs only in form: {order}")
    return field, text.format(before=_link_or_user(before), **named)


def _changed(name: str, was: str) -> str:
    if not was:
        return _("no {field}", field=name)
    return _("other {field}", field=name) if "\n" in was or len(was) > 40 else f"{name} {was}"


def _describe(entry: Entry) -> str:
    time = local_time(entry.sent_at)
    if entry.order_id:
        order = _("order {number} of {time}", number=entry.order_id, time=time)
    else:
        order = _("an order in doubt of {time}", time=time)
    return f"{order}, {entry.order_status}" if entry.order_status else order


def _ordered_twice(sheet: Sheet, row: OrderRow, first: OrderRow) -> Problem:
    field, other = _field(row.request), _link_or_user(first.request)
    message = _(
        "differs only in form from {where}, for the same service: {other}",
        where=sheet.where(first.number, field),
        other=other,
    )
    return Problem(sheet.where(row.number, field), field, _link_or_user(row.request), message, _(_REMEDY), row.number)


@dataclass(frozen=True, slots=True)
class JournalWarnings:
    """Signs that a run uses the wrong journal. None of them stops a run: a person decides."""

    where: str
    """Where the journal is, without a password."""
    uuid: str
    account: str
    is_new: bool
    """Whether the journal knows no order of the account."""
    unknown_ids: int
    """How many order ids the sheet has if the journal knows none of them; else 0."""
    fall: Fall | None
    """By how much the balance dropped without orders of this journal."""
    surface: Surface = COMMAND_LINE

    @property
    def warnings(self) -> tuple[str, ...]:
        """What the signs are, and what to do."""
        words = (
            self._unknown_ids_warning() or self.first_run,
            "" if self.fall is None else balance_drop_warning(self.fall, self.account),
        )
        return tuple(text for text in words if text)

    def _unknown_ids_warning(self) -> str:
        if not self.unknown_ids:
            return ""
        return _(
            "this looks like the wrong journal: the sheet carries {ids}, and {journal} (uuid {uuid}) knows none of "
            "them; {setting} and {account} must name those that it was ordered with",
            ids=counted(self.unknown_ids, "order id"),
            journal=self.where,
            uuid=self.uuid,
            setting=self.surface.name("journal"),
            account=self.surface.name("account"),
        )

    @property
    def first_run(self) -> str:
        """What to know of a journal that has no orders of the account; "" if it has some."""
        if not self.is_new:
            return ""
        return _(
            "First run for account {account!r}. Order history: {journal}. If you ordered with another journal before, "
            "{setting} must name it",
            account=self.account,
            journal=self.where,
            setting=self.surface.name("journal"),
        )


def balance_drop_warning(fall: Fall, account: str) -> str:
    """Return how much a balance fell without an order of the journal, and how to answer it."""
    return _(
        "since {time} the balance fell by {amount} more than this journal knows. If that is explained, such as by "
        "orders by hand: `{command}`. If not, compare the panel's order page before ordering",
        time=local_time(fall.since),
        amount=f"{plain(fall.unexplained)} {fall.currency}".strip(),
        command=command("balance", account=account, acknowledge=True),
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
    """Look for signs of a wrong journal: `ids` are the order ids in a sheet, `known` those that the journal knows."""
    with journal.reading() as connection:
        is_new = not queries.has_sent(connection, account_id)
    return JournalWarnings(journal.where, journal.uuid, account, is_new, 0 if known else len(ids), fall, surface)
