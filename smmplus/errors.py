"""Everything that can go wrong, and whether money may have moved.

::

    SmmPlusError
    ├── ConfigurationError         a setting is missing or unusable
    ├── CallError                  a call of the API gave no result; ``may_have_taken_effect`` says whether the panel
    │   │                          may have carried it out all the same, ``transient`` whether asking again makes sense
    │   ├── NeverSentError         it certainly never reached the panel
    │   ├── LostAnswerError        it was sent, and no answer came back
    │   ├── UnclearAnswerError     an answer came that says neither yes nor no
    │   │   ├── RedirectError      the panel points elsewhere; redirects are never followed
    │   │   └── UnreadableAnswerError  an answer in which nothing can be read; asked again, it would be the same
    │   ├── AddressError           nothing at this address takes orders: the API URL is wrong
    │   └── RefusedError           the panel said no, in its own words
    │       ├── BadRowError        this order is wrong; others may be right
    │       ├── AccountError       key, funds or account; no order will go through
    │       ├── DuplicateGuardError  the panel holds back what looks ordered already
    │       ├── BusyError          not now: ask again later
    │       ├── FollowUpError      this refill, cancel or status cannot be had
    │       ├── MalformedCallError the panel does not understand the call: our mistake
    │       └── UnknownRefusalError  a text that is in no list; never repeated by itself
    ├── JournalError               the record of orders cannot be used
    │   ├── JournalInUseError      another process holds what is needed
    │   └── JournalConflictError   what was asked contradicts what the journal knows
    └── OrderError                 an order under a key of the caller's was not accepted
        ├── OrderRefusedError      it is wrong, or the panel refused it
        ├── OrderInDoubtError      nobody knows whether it was placed; it is not sent again by itself
        └── OrderHeldBackError     it was not sent, and may be later

Foreign exceptions (requests, aiohttp, SQLAlchemy) are translated into these once, at the boundary.
"""


class SmmPlusError(Exception):
    """The base of every error of this package; the message is for people."""


class ConfigurationError(SmmPlusError):
    """A setting is missing or unusable; the message names it and says how to mend it."""


class CallError(SmmPlusError):
    """A call of the API that gave no result."""

    transient = False
    """Whether the fault may pass by itself, so that a call without effect is worth repeating."""

    def __init__(self, message: str, *, may_have_taken_effect: bool = False) -> None:
        super().__init__(message)
        self.may_have_taken_effect = may_have_taken_effect


class NeverSentError(CallError):
    """The request certainly never reached the panel: no name, no connection, no TLS, or held back by us."""

    transient = True


class LostAnswerError(CallError):
    """The request left, and the answer was lost: a time-out or a broken connection."""

    transient = True


class UnclearAnswerError(CallError):
    """The panel answered something that is neither a result nor a refusal: 5xx, HTML, nothing, no order id."""

    transient = True


class RedirectError(UnclearAnswerError):
    """The panel answered with a redirect. The API key must not travel to an address that nobody chose."""

    transient = False


class UnreadableAnswerError(UnclearAnswerError):
    """The panel answered in good form, and nothing that was asked for can be read in it."""

    transient = False


class AddressError(CallError):
    """Nothing at the panel's address takes orders: the API URL is wrong. Nothing was ordered."""


class RefusedError(CallError):
    """The panel said no. `text` is its own wording, with the API key taken out."""

    def __init__(self, text: str, *, may_have_taken_effect: bool = False) -> None:
        super().__init__(text, may_have_taken_effect=may_have_taken_effect)
        self.text = text


class InvalidOrderError(RefusedError):
    """Something about this one order: service, link, quantity, fields."""


class AccountError(RefusedError):
    """Something about the account: key, funds, ban. No other order will go through either."""


class DuplicateOrderError(RefusedError):
    """The panel refuses what looks ordered already. No proof that an earlier sending of ours went through."""


class BusyError(RefusedError):
    """The panel asks to come back later, after `retry_after` seconds if it said so."""

    transient = True

    def __init__(self, text: str, *, retry_after: float | None = None) -> None:
        super().__init__(text)
        self.retry_after = retry_after


class FollowUpError(RefusedError):
    """A status, refill or cancel of one order or refill that cannot be had."""


class MalformedCallError(RefusedError):
    """The panel does not understand the call: a mistake of this client."""


class UnknownRefusalError(RefusedError):
    """An error text that matches nothing known (panels translate them)."""


class JournalError(SmmPlusError):
    """The record of orders cannot be used; nothing is sent without it."""


class JournalInUseError(JournalError):
    """Another process holds the lock that is needed; the message says which."""


class JournalConflictError(JournalError):
    """What was asked contradicts what the journal knows."""


class OrderError(SmmPlusError):
    """An order that was asked for under a key, and is not accepted; the message says which, why and what to do."""


class OrderRefusedError(OrderError):
    """The order is wrong, or the panel refused it. Asking again in the same way changes nothing."""


class OrderInDoubtError(OrderError):
    """Nobody knows whether the order was placed: a person must settle it."""


class OrderHeldBackError(OrderError):
    """The order was not sent: the panel was out of reach or busy, the account or the budget empty. Ask again later."""
