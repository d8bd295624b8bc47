"""Everything that can go wrong, and whether money may have moved.

::

    SmmPlusError
    ├── ConfigurationError         a setting is missing or unusable
    ├── CallError                  a call of the API gave no result; ``may_have_taken_effect`` says whether the panel
    │   │                          may have carried it out anyway, ``transient`` whether asking again makes sense
    │   ├── NeverSentError         it certainly never reached the panel
    │   ├── LostAnswerError        it was sent, and no answer came back
    │   ├── UnclearAnswerError     an answer came that is neither a result nor a refusal
    │   │   ├── RedirectError      the panel points elsewhere; redirects are never followed
    │   │   └── UnreadableAnswerError  an answer that cannot be read; asked again, it would be the same
    │   ├── AddressError           nothing at this address takes orders: the API URL is wrong
    │   └── RefusedError           the panel said no, in its own words
    │       ├── InvalidOrderError  this order is not valid; others may be
    │       ├── AccountError       key, funds or account; no order will go through
    │       ├── DuplicateOrderError  the panel refuses what looks ordered already
    │       ├── BusyError          not now: ask again later
    │       ├── FollowUpError      this refill, cancel or status is not available
    │       │   └── UnknownFollowUpError  the same, with a text that is not in any list
    │       ├── MalformedCallError the panel does not understand the call: a mistake of this client
    │       └── UnknownRefusalError  a text that is not in any list; not repeated without a person
    ├── JournalError               the record of orders cannot be used
    │   ├── JournalInUseError      another process holds what is needed
    │   └── JournalConflictError   the request contradicts what the journal knows
    └── OrderError                 `place_order` did not place the order
        ├── OrderRefusedError      it is not valid, or the panel refused it
        ├── OrderInDoubtError      it is not known whether it was placed; it is not sent again
        └── OrderHeldBackError     it was not sent, and may be later

Foreign exceptions (requests, aiohttp, SQLAlchemy) are translated into these once, at the boundary.
"""


class SmmPlusError(Exception):
    """The base of every error of this package; the message is for people."""


class ConfigurationError(SmmPlusError):
    """A setting is missing or unusable. The message names it and says how to fix it."""


class CallError(SmmPlusError):
    """A call of the API that gave no result."""

    transient = False
    """Whether the error may be temporary, so that a call without effect is worth repeating."""

    def __init__(self, message: str, *, may_have_taken_effect: bool = False) -> None:
        super().__init__(message)
        self.may_have_taken_effect = may_have_taken_effect


class NeverSentError(CallError):
    """The request certainly never reached the panel: no name, no connection, no TLS, or held back here."""

    transient = True


class LostAnswerError(CallError):
    """The request was sent, and the answer was lost: a time-out or a broken connection."""

    transient = True


class UnclearAnswerError(CallError):
    """The panel's answer is neither a result nor a refusal: 5xx, HTML, nothing, no order id."""

    transient = True


class RedirectError(UnclearAnswerError):
    """The panel answered with a redirect. It is not followed: the API key must not be sent to another address."""

    transient = False


class UnreadableAnswerError(UnclearAnswerError):
    """The panel's answer is well formed, and does not contain anything that was asked for."""

    transient = False


class AddressError(CallError):
    """There is no API at the panel's address: the API URL is wrong. Nothing was ordered."""


class RefusedError(CallError):
    """The panel refused the call. `text` is its own wording, without the API key."""

    def __init__(self, text: str, *, may_have_taken_effect: bool = False) -> None:
        super().__init__(text, may_have_taken_effect=may_have_taken_effect)
        self.text = text


class InvalidOrderError(RefusedError):
    """This order is not valid: service, link, quantity, fields."""


class AccountError(RefusedError):
    """The account is refused: key, funds, ban. No other order will be accepted either."""


class DuplicateOrderError(RefusedError):
    """The panel refuses what looks ordered already. It does not prove that an earlier attempt was accepted."""


class BusyError(RefusedError):
    """The panel asks to try again later, after `retry_after` seconds if it said so."""

    transient = True

    def __init__(self, text: str, *, retry_after: float | None = None) -> None:
        super().__init__(text)
        self.retry_after = retry_after


class FollowUpError(RefusedError):
    """The status, refill or cancel of one order or refill is not available."""


class MalformedCallError(RefusedError):
    """The panel does not understand the call: a mistake of this client."""


class UnknownRefusalError(RefusedError):
    """The error text is not known. Panels translate them."""


class UnknownFollowUpError(FollowUpError, UnknownRefusalError):
    """The status, refill or cancel is refused with a text that is not known."""


class JournalError(SmmPlusError):
    """The journal cannot be used. Nothing is sent without it."""


class JournalInUseError(JournalError):
    """Another process has the lock that is needed. The message says which."""


class JournalConflictError(JournalError):
    """The request contradicts what the journal knows."""


class OrderError(SmmPlusError):
    """`place_order` did not place the order. The message says which, why and what to do."""


class OrderRefusedError(OrderError):
    """The order is not valid, or the panel refused it. The same call again changes nothing."""


class OrderInDoubtError(OrderError):
    """It is not known whether the order was placed. A person must resolve it."""


class OrderHeldBackError(OrderError):
    """The order was not sent: the panel was out of reach or busy, or money was missing. Try again later."""
