"""The record of every order: why none is placed twice and none is lost."""

from smmplus.journal.entry import Entry, Planned, key_of, nth_of
from smmplus.journal.states import Event, Outcome, State
from smmplus.journal.store import Journal
from smmplus.journal.wave import Attempt, Intent, Refusal

__all__ = [
    "Attempt",
    "Entry",
    "Event",
    "Intent",
    "Journal",
    "Outcome",
    "Planned",
    "Refusal",
    "State",
    "key_of",
    "nth_of",
]
