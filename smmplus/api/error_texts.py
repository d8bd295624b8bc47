"""What an error text of a panel means. The texts are those of panels with the same API ("API v2"), in any case.

Whole phrases come before parts of them: "not enough funds" is about the account, "not enough quantity" about one row. A
code is read as the words that it is made of: `neworder.error.not_enough_funds` is "not enough funds".
"""

import re
import unicodedata
from collections.abc import Iterable
from enum import Enum
from http import HTTPStatus


class Meaning(Enum):
    """What to do about a refusal, the gravest first. If an answer has several texts, the gravest counts."""

    DOUBT = "it may have been placed"
    MISTAKE = "the panel does not understand the call"
    ACCOUNT = "stop at once; no order will go through"
    ADDRESS = "stop at once; nothing at this address takes orders"
    DUPLICATE = "hold the row; it does not prove that an earlier attempt went through"
    FOLLOW_UP = "that order's refill, cancel or status cannot be had, nothing else"
    ROW = "that row is rejected, the rest goes on"
    UNKNOWN = "not in any list: rejected, word for word, and repeated only if a person asks"
    BUSY = "wait, and ask again"


_BROKEN_OFF = re.compile(
    r"""
    \bsuccess(ful|fully)?\b(?!\ rate)
    | \b(internal|unexpected|unknown|server|database|fatal|system)(\ server)?\ (error|exception)
    | \b(error|exception)\ (has\ )?occur+ed | \bsomething\ went\ wrong | \bsqlstate\b | \bdeadlock\b
    | \btimed?[\ -]?out\b | \bbad\ gateway\b | \bservice\ unavailable\b | \bcurl\ error\b
    | \bconnection\ (\w+\ ){0,3}(lost|reset|closed|refused|aborted|failed) | \bgone\ away\b | \bexecution\ time\b
    | \b(no|empty|invalid|unexpected)\ (response|reply)\b | \b(provider|supplier|upstream)\ (error|failed|failure)\b
    | \bundefined\b | \bexception\b | \bmemory\ size\b | \btoo\ many\ connections\b
    | \bconnect\ to\ (the\ )?(provider|supplier)\b | \bcall\ to\ a\b | \barray\ offset\b
    | ^(ok|okay|done|accepted|created|placed|queued|pending|processing|in\ progress)$
    | \b(failed|unable|error|could\ not|couldn['\u2019]?t|can\ ?not|can['\u2019]?t)\ (to\ |while\ )?
        (process|complet)(e|ing)?(\ (your|the|this))*(\ request|$)
    """,
    re.IGNORECASE | re.VERBOSE,
)
"""Anywhere in a text: the panel failed at an unknown point, or the text mentions a success."""

_ORDER = re.compile(
    r"""
    \border(s|\ creation|\ placement|\ processing|\ submission)?\ (could|can|was|were|has|have|is)(\ ?not|n['\u2019]?t)
        (\ been|\ be|\ being)?\ (created|placed|processed|submitted|made|saved|added|sent)
    | \border\ not\ (been\ )?(created|placed|processed|submitted|made|saved|added|sent)
    | \border(\ creation|\ placement|\ processing|\ submission|\ request)?\ (has\ )?(failed|failure|error)
    | \b(failed|unable|error|failure|problem|could\ not|couldn['\u2019]?t|can\ ?not|can['\u2019]?t)
        (\ to|\ while|\ when|\ in|\ on|\ during)?\ (creat|plac|process|submit|add|mak|send|sav)(e|t|tt|dd|d)?(ing|e)?
        \ (the\ |your\ |an\ |a\ |new\ |this\ )*order
    | \border\ (is\ |was\ |has\ been\ |have\ been\ |is\ being\ )?(successfully\ )?
        (created|placed|accepted|received|submitted|queued|in\ progress|being\ processed)
    """,
    re.IGNORECASE | re.VERBOSE,
)
"""Anywhere in a text: an order that the panel may have begun, whatever else the text says."""

_MAYBE_ORDER = re.compile(
    r"""
    (?=.*\borders?\b)
        .*(creat|plac|process|submi|\badd(ed|ing)\b|\bmade\b|\bmak(e|ing)\b|\bsav(e|ed|ing)\b|\bsen[dt]|receiv|accept|queue|complet
        |success|fail|duplicat|exist|pending|progress|thank)
    | .*\b(creation|processing|placement|submission|request)\ (failed|failure|error)\b
    | .*\bnot\ (be\ |been\ )?(created|placed|processed|submitted|saved)\b
    | .*\border\W*(id|no|number|nr)?\W*[0-9]
    """,
    re.IGNORECASE | re.VERBOSE | re.DOTALL,
)
"""In a text that is not in `_WORDS`: an order together with a word for creating one, or with a number."""

_WORDS = {
    Meaning.MISTAKE: r"""
        incorrect request(: .*)?
        (invalid|unknown|incorrect|missing) action
        missing key or action
        """,
    Meaning.ACCOUNT: r"""
        (invalid|incorrect|bad|wrong|unknown|missing|expired|disabled) (api[ _-]?)?(key|token)
        (the |your )?api[ _-]?key (field )?((is|was) )?(not )?(found|valid|active|correct|allowed)
        (the |your )?(selected )?(api[ _-]?)?key (field )?((is|was|has) )?(invalid|incorrect|wrong|missing|required)
        (the |your )?api[ _-]?key ((is|was|has) )?(expired|disabled|inactive|blocked|revoked)
        unauthenticated
        unauthori[sz]ed( access)?
        (authentication|authorization) (failed|required|error)
        not enough (funds|balance|money|credits?).*
        (you|user|(your )?account) (has|have) (not enough|insufficient) (funds|balance|money|credits?).*
        (you|user|(your )?account) (do|does)( not|n['\u2019]t) have (enough|sufficient) (funds|balance|money|credits?).*
        insufficient (account )?(balance|funds?|credits?).*
        (your )?(account )?(funds|balance) (is |are )?(too low|insufficient|not enough|not sufficient|empty)( .*)?
        low (balance|funds)( .*)?
        payment required
        (your )?account (is |has been |was )?(suspended|banned|disabled|blocked|inactive|deactivated)( .*)?
        (user|account) (not found|inactive|banned|disabled|suspended|blocked)
        api (access )?(is )?(disabled|denied|blocked|not allowed|not enabled)( .*)?
        ordering is disabled
        (your )?ip( address)? (is )?(not (allowed|whitelisted|authori[sz]ed)|blocked|banned)( .*)?
        """,
    Meaning.DUPLICATE: r"""
        you (already )?have (an )?active order (with|for) this link.*
        link duplicate
        (duplicate|identical) order.*
        an identical order was just placed.*
        you already ordered this service for this link.*
        """,
    Meaning.BUSY: r"""
        (the |your |api )*(rate|request|call|api) ?limit(s)? (is |was |has been )?(exceeded|reached)( .*|[,:;.(-].*)?
        too many (requests|attempts|calls)( .*|[,:;.(-].*)?
        please wait( (for )?[0-9]+ (more )?(s|secs?|seconds?|m|mins?|minutes?))?( and try again)?
        (this |the )?(panel|site|website|service|system|api|server) is temporarily unavailable.*
        (this |the )?(panel|site|website|service|system|api|server) is (currently )?(under|in|down for) maintenance.*
        (we are )?(currently )?(under|in|down for) maintenance( .*)?
        (.* )?processing another transaction.*
        """,
    Meaning.FOLLOW_UP: r"""
        (incorrect|invalid|unknown) (order|refill) ?id
        (order|refill)( id)? not found
        refill is disabled for this service.*
        the order is not completed.*
        (cancel|refill) already requested.*
        refill (period|time) (has )?(ended|expired).*
        this order (cannot|can not|can['\u2019]t) be (canceled|cancelled|refilled).*
        (cancel|refill) is not available.*
        """,
    Meaning.ROW: r"""
        (incorrect|invalid|disabled|inactive|unknown) service( id)?
        service( id)? not found( or inactive)?
        service (is )?(inactive|disabled|not available|not active)
        (bad|invalid|incorrect) (link|url)
        enter a valid (link|url)
        (the |this |that |your )?(link|url) (is|must|does|doesn['\u2019]t|isn['\u2019]t|should) .*
        (min|max|minimum|maximum) quantity
        quantity (is )?(less|more|lower|higher|greater|smaller) than (the )?(minimal|minimum|maximal|maximum|min|max).*
        quantity (must|should|has to|is (too|below|above|out of|not)) .*
        not enough quantity.*
        (incorrect|invalid|missing) (quantity|runs|interval|comments?|link|usernames?|answer[ _]number|parameters?)
        dripfeed is not supported by this service
        (neworder\.)?error\.(link|comment|quantity|min_quantity|max_quantity)
        missing required parameters?.*
        the (selected )?(service|link|quantity|runs|interval|comments|usernames?)( field)? (is|must|may|format is) .*
        """,
}


def _compiled(words: str) -> re.Pattern[str]:
    lines = (line.strip() for line in words.splitlines())
    return re.compile("|".join(f"(?:{line})" for line in lines if line), re.IGNORECASE)


_PATTERNS = {meaning: _compiled(words) for meaning, words in _WORDS.items()}

_BY_STATUS = {
    HTTPStatus.UNAUTHORIZED: Meaning.ACCOUNT,
    HTTPStatus.PAYMENT_REQUIRED: Meaning.ACCOUNT,
    HTTPStatus.FORBIDDEN: Meaning.ACCOUNT,
    HTTPStatus.NOT_FOUND: Meaning.ADDRESS,
    HTTPStatus.METHOD_NOT_ALLOWED: Meaning.ADDRESS,
    HTTPStatus.TOO_MANY_REQUESTS: Meaning.BUSY,
}

_RANK = {meaning: rank for rank, meaning in enumerate(Meaning)}

_NO_PAGE = re.compile(
    r"(the )?((page|route|endpoint|url|resource|requested url|method)\b.*)?not (be )?(found|allowed).*", re.IGNORECASE
)


def of_status(status: int) -> Meaning | None:
    """Return what an HTTP status means if nothing else tells; None for one that is not a refusal."""
    return next((meaning for known, meaning in _BY_STATUS.items() if known == status), None)


def meaning(text: str, status: int = 200) -> Meaning:
    """Return what an error text means. If the text is unknown, the HTTP status decides.

    429 is "not now" whatever the text says, unless the text may be about an order that was made. 404 and 405 count only
    with a text of a web server, because panels send refusals in their own words with these statuses, too.
    """
    by_status = of_status(status)
    if by_status is Meaning.BUSY:
        return Meaning.DOUBT if _has(text, _ORDER, _MAYBE_ORDER) else Meaning.BUSY
    known = _meaning(text)
    if known is not Meaning.UNKNOWN:
        return known
    counts = by_status is not Meaning.ADDRESS or _NO_PAGE.fullmatch(text.strip())
    return by_status if by_status and counts else Meaning.UNKNOWN


def gravest(texts: Iterable[str], status: int = 200) -> Meaning:
    """Return what several texts of one answer mean together: doubt before any refusal, any refusal before "not now"."""
    return min((meaning(text, status) for text in texts), key=_RANK.__getitem__)


_UNSEEN = re.compile("[\u00ad\u200b-\u200d\u2060\ufeff]")
"""Invisible characters: soft hyphens and spaces without a width."""


def is_broken_off(texts: Iterable[str]) -> bool:
    """Return whether a text leaves open what was done. "Order is in progress" does not: it refuses a cancel."""
    return any(_has(text, _BROKEN_OFF) for text in texts)


def _meaning(text: str) -> Meaning:
    if _has(text, _BROKEN_OFF, _ORDER):
        return Meaning.DOUBT
    spellings = _spellings(text)
    for candidate, pattern in _PATTERNS.items():
        if any(pattern.fullmatch(spelling) for spelling in spellings):
            # "Not now" is repeated without a person: never if the text also mentions an order.
            if candidate is Meaning.BUSY and any(
                re.search(r"\border\b", spelling, re.IGNORECASE) for spelling in spellings
            ):
                break
            return candidate
    return Meaning.DOUBT if _has(text, _MAYBE_ORDER) else Meaning.UNKNOWN


def _has(text: str, *patterns: re.Pattern[str]) -> bool:
    return any(pattern.search(spelling) for pattern in patterns for spelling in _spellings(text))


def _spellings(text: str) -> set[str]:
    seen = " ".join(_UNSEEN.sub("", unicodedata.normalize("NFKC", text)).split())
    phrase = re.sub(r"^(error|failed|failure) ?[:!-] ?", "", seen, flags=re.IGNORECASE).rstrip(".! ")
    return {phrase, _words_of(phrase)}


def _words_of(phrase: str) -> str:
    """Write a code as words: `error.incorrect_service_id`, `INVALID-LINK`, `notEnoughFunds`."""
    if " " in phrase:
        return phrase
    last = re.sub(r"^(?:[\w-]+[.:])+(?=\w)", "", phrase)
    return re.sub(r"[_-]+", " ", re.sub(r"(?<=[a-z])(?=[A-Z])", " ", last)).strip()
