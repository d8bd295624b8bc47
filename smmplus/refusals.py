"""PURE: what an error text of a panel means. The words are those of the API v2 family, in any case.

Whole phrases come before parts of them: "not enough funds" empties the account, "not enough quantity" one row.
"""

import re
from enum import Enum


class Meaning(Enum):
    """What to do about a refusal."""

    ROW = "that row is rejected, the rest goes on"
    ACCOUNT = "stop at once; no order will go through"
    DUPLICATE = "hold the row; no proof that an earlier sending went through"
    BUSY = "wait, and ask again"
    DOUBT = "it may have been placed"
    MISTAKE = "the panel does not understand the call"
    FOLLOW_UP = "that order's refill, cancel or status cannot be had, nothing else"
    UNKNOWN = "in no list: rejected, word for word, never repeated by itself"


_WORDS = {
    Meaning.DOUBT: r"""
        order could not be created
        failed to create order.*
        """,
    Meaning.MISTAKE: r"""
        incorrect request
        (invalid|unknown|incorrect) action
        missing key or action
        """,
    Meaning.ACCOUNT: r"""
        (invalid|incorrect) api ?key
        invalid_api_key
        missing (api )?key
        not enough funds.*
        neworder\.error\.(not_enough_funds|insufficient_balance|account_banned)
        insufficient[ _](balance|funds).*
        account (is )?(suspended|banned)
        api access (is )?disabled
        ordering is disabled
        """,
    Meaning.DUPLICATE: r"""
        you have active order with this link.*
        neworder\.error\.link_duplicate
        an identical order was just placed.*
        you already ordered this service for this link.*
        """,
    Meaning.BUSY: r"""
        rate limit exceeded.*
        too many requests.*
        this panel is temporarily unavailable.*
        (.* )?processing another transaction.*
        """,
    Meaning.FOLLOW_UP: r"""
        incorrect (order|refill) id
        (order|refill) not found
        refill is disabled for this service.*
        the order is not completed.*
        (cancel|refill) already requested.*
        this order cannot be (canceled|cancelled|refilled).*
        (cancel|refill) is not available.*
        """,
    Meaning.ROW: r"""
        (incorrect|invalid|disabled) service( id)?
        invalid_(service|quantity|parameters|link)
        service not found( or inactive)?
        service is (inactive|disabled)
        (bad|invalid|incorrect) link
        enter a valid link
        quantity (less|more) than (minimal|minimum|maximal|maximum).*
        quantity must be between.*
        not enough quantity.*
        (incorrect|invalid|missing) (quantity|runs|interval|comments|link|username|usernames|answer_number|parameters)
        dripfeed is not supported by this service
        neworder\.error\.(link|min_quantity|max_quantity|comment|service_not_found|service_inactive|invalid_link)
        missing required parameters.*
        """,
}


def _compiled(words: str) -> re.Pattern[str]:
    lines = (line.strip() for line in words.splitlines())
    return re.compile("|".join(f"(?:{line})" for line in lines if line), re.IGNORECASE)


_PATTERNS = {meaning: _compiled(words) for meaning, words in _WORDS.items()}

_BY_STATUS = {401: Meaning.ACCOUNT, 402: Meaning.ACCOUNT, 403: Meaning.ACCOUNT, 429: Meaning.BUSY}
"""What an HTTP status says where the text says nothing."""


def meaning(text: str, status: int = 200) -> Meaning:
    """Tell what an error text means; where the text is unknown, the HTTP status speaks. 429 is always "not now"."""
    if status == 429:
        return Meaning.BUSY
    phrase = " ".join(text.split()).rstrip(".! ")
    for candidate, pattern in _PATTERNS.items():
        if pattern.fullmatch(phrase):
            return candidate
    return _BY_STATUS.get(status, Meaning.UNKNOWN)
