"""The matrix as literal tables: the points of an order's way, the faults, and what must become of the order there.

An order that a fault met is looked at after the broken run and after those that follow. What may become of it is one
of four things; a cell of the table names those that are right. A cell that is missing makes no sense: before the sheet
is written, a full disk under the sheet is no fault yet.
"""

POINTS: dict[str, str] = {
    "planning": "the plan is made, and not in the journal yet",
    "planned": "the row is planned, its intent not begun",
    "intending": "the intent is written, and not committed",
    "intended": "the intent is committed, nothing is sent",
    "leaving": "the connection stands, the order is about to leave",
    "sent": "the order has left, the panel has not read it",
    "accepted": "the panel has accepted it, the answer is on its way",
    "answered": "the order id is read, and handed to nobody",
    "recording": "the outcome is written, and not committed",
    "recorded": "the outcome is committed, nobody is told",
    "following": "statuses are read, and not written down",
    "followed": "statuses are written down",
    "writing": "the new sheet is half written",
    "written": "the new sheet is whole, about to take the old one's place",
    "replaced": "the sheet is replaced, the journal not told",
    "closed": "the batch is closed, the program about to end",
}
"""Where a run is broken, in the order in which a run gets there."""

FAULTS: dict[str, str] = {
    "kill": "SIGKILL",
    "term": "SIGTERM",
    "ctrl-c": "Ctrl-C",
    "ctrl-c-twice": "Ctrl-C, and once more",
    "ctrl-c-thrice": "Ctrl-C until the program ends",
    "refuse": "network gone: connections broken, new ones refused",
    "reset": "network gone: connections broken, new ones too",
    "hang": "network gone: nothing gets through any more",
    "surplus-200": "an answer with an order id that belongs to no call",
    "surplus-408": "an answer 408 that belongs to no call",
    "surplus-429": "an answer 429 that belongs to no call",
    "full-journal": "disk full under the journal",
    "full-sheet": "disk full under the sheet",
    "full-both": "disk full under journal and sheet",
    "locked": "journal locked for longer than the program waits",
    "locked-briefly": "journal locked for a moment",
    "journal-refuse": "the journal's server gone: connections broken, new ones refused",
    "journal-cut": "the journal's connections broken",
    "journal-hang": "the journal's server silent, and gone after some seconds",
    "journal-lose": "the answer to the journal's next statement lost, then connections broken",
}
"""What breaks it. The network, the disks and the lock stay as they are until the broken run has ended."""

ONLY: dict[str, frozenset[str]] = {
    "sqlite": frozenset({"full-both"}),
    "postgresql": frozenset({"journal-refuse", "journal-cut", "journal-hang", "journal-lose"}),
}
"""Faults of one database alone: a file lies on one disk with the sheet, a server is behind a network."""

KEPT = "placed"
"""Accepted by the broken run, in the journal."""
LATER = "placed later"
"""Still planned after the broken run, and placed by the next."""
DOUBT = "in doubt"
"""In doubt until a person has looked."""
RESCUED = "taken up"
"""Its id was read and could not be committed; the next run took it up."""

Became = frozenset[str]


def _are(*words: str) -> Became:
    return frozenset(words)


# A fault that strikes one thread while another goes on has two right ends; so has a third Ctrl-C, which waits for
# nothing. Nowhere is the order lost or sent twice: that is not in this table, but checked for all.
_UNSENT = _are(LATER)
_SIGNALLED = _are(KEPT, LATER)
_LOST = _are(DOUBT)
_PLACED = _are(KEPT)
_SAVED = _are(RESCUED)
_UNREACHED = _are(LATER, DOUBT)
_HASTY = _are(KEPT, LATER, DOUBT)

VERDICTS: dict[str, dict[str, Became]] = {
    "planning": {
        "kill": _UNSENT,
        "term": _UNSENT,
        "ctrl-c": _UNSENT,
        "refuse": _UNSENT,
        "full-journal": _UNSENT,
        "full-both": _UNSENT,
        "locked": _UNSENT,
        "locked-briefly": _PLACED,
        "journal-refuse": _UNSENT,
        "journal-cut": _SIGNALLED,
    },
    "planned": {
        "kill": _UNSENT,
        "term": _SIGNALLED,
        "ctrl-c": _SIGNALLED,
        "ctrl-c-twice": _SIGNALLED,
        "ctrl-c-thrice": _HASTY,
        "refuse": _UNREACHED,
        "reset": _UNREACHED,
        "hang": _UNREACHED,
        "full-journal": _UNSENT,
        "full-both": _UNSENT,
        "locked": _UNSENT,
        "locked-briefly": _PLACED,
        "journal-refuse": _UNSENT,
        "journal-cut": _SIGNALLED,
        "journal-lose": _SIGNALLED,
        "journal-hang": _UNSENT,
    },
    "intending": {
        "kill": _UNSENT,
        "term": _SIGNALLED,
        "ctrl-c": _SIGNALLED,
        "ctrl-c-twice": _SIGNALLED,
        "ctrl-c-thrice": _HASTY,
        "full-journal": _UNSENT,
        "full-both": _UNSENT,
        "journal-refuse": _UNSENT,
        "journal-cut": _UNSENT,
        "journal-lose": _UNREACHED,
        "journal-hang": _UNSENT,
    },
    "intended": {
        "kill": _LOST,
        "term": _SIGNALLED,
        "ctrl-c": _SIGNALLED,
        "ctrl-c-twice": _SIGNALLED,
        "ctrl-c-thrice": _HASTY,
        "refuse": _UNREACHED,
        "reset": _UNREACHED,
        "hang": _UNREACHED,
        "full-journal": _SAVED,
        "full-both": _SAVED,
        "locked": _SAVED,
        "locked-briefly": _PLACED,
        "journal-refuse": _SAVED,
        "journal-cut": _are(KEPT, RESCUED),
        "journal-hang": _SAVED,
    },
    "leaving": {
        "kill": _LOST,
        "term": _PLACED,
        "ctrl-c": _PLACED,
        "ctrl-c-twice": _PLACED,
        "ctrl-c-thrice": _HASTY,
        "refuse": _UNREACHED,
        "reset": _UNREACHED,
        "hang": _LOST,
        "surplus-200": _LOST,
        "surplus-408": _LOST,
        "surplus-429": _LOST,
    },
    "sent": {
        "kill": _LOST,
        "term": _PLACED,
        "ctrl-c": _PLACED,
        "ctrl-c-twice": _PLACED,
        "ctrl-c-thrice": _HASTY,
        "refuse": _LOST,
        "reset": _LOST,
        "hang": _LOST,
        "surplus-200": _LOST,
        "surplus-408": _LOST,
        "surplus-429": _LOST,
    },
    "accepted": {
        "kill": _LOST,
        "term": _PLACED,
        "ctrl-c": _PLACED,
        "ctrl-c-twice": _PLACED,
        "ctrl-c-thrice": _HASTY,
        "refuse": _LOST,
        "reset": _LOST,
        "hang": _LOST,
        "full-journal": _SAVED,
        "locked": _SAVED,
        "journal-refuse": _SAVED,
        "surplus-200": _LOST,
        "surplus-408": _LOST,
        "surplus-429": _LOST,
    },
    "answered": {
        "kill": _LOST,
        "term": _PLACED,
        "ctrl-c": _PLACED,
        "ctrl-c-twice": _PLACED,
        "ctrl-c-thrice": _are(KEPT, RESCUED),
        "refuse": _PLACED,
        "reset": _PLACED,
        "full-journal": _SAVED,
        "full-both": _SAVED,
        "locked": _SAVED,
        "locked-briefly": _PLACED,
        "journal-refuse": _SAVED,
        "journal-cut": _are(KEPT, RESCUED),
        "journal-lose": _are(KEPT, RESCUED),
        "journal-hang": _SAVED,
        "surplus-200": _PLACED,
        "surplus-408": _PLACED,
        "surplus-429": _PLACED,
    },
    "recording": {
        "kill": _LOST,
        "term": _PLACED,
        "ctrl-c": _PLACED,
        "ctrl-c-twice": _PLACED,
        "ctrl-c-thrice": _are(KEPT, RESCUED),
        "full-journal": _SAVED,
        "full-both": _SAVED,
        "journal-refuse": _SAVED,
        "journal-cut": _are(KEPT, RESCUED),
        "journal-lose": _are(KEPT, RESCUED),
        "journal-hang": _SAVED,
    },
    "recorded": {
        "kill": _PLACED,
        "term": _PLACED,
        "ctrl-c": _PLACED,
        "ctrl-c-twice": _PLACED,
        "ctrl-c-thrice": _PLACED,
        "refuse": _PLACED,
        "full-journal": _PLACED,
        "full-both": _PLACED,
        "locked": _PLACED,
        "locked-briefly": _PLACED,
        "journal-refuse": _PLACED,
        "journal-cut": _PLACED,
    },
}
"""Point -> fault -> what may become of the order that stands there."""

AFTERWARDS: dict[str, tuple[str, ...]] = {
    "following": ("kill", "term", "ctrl-c", "ctrl-c-thrice", "full-journal", "locked", "locked-briefly",
                  "journal-refuse", "journal-cut"),
    "followed": ("kill", "term", "ctrl-c", "refuse", "reset", "hang", "full-sheet", "full-both", "journal-refuse"),
    "writing": ("kill", "term", "ctrl-c", "full-sheet", "full-both", "locked-briefly"),
    "written": ("kill", "term", "ctrl-c", "full-sheet"),
    "replaced": ("kill", "term", "ctrl-c", "full-journal", "locked", "locked-briefly", "journal-refuse",
                 "journal-cut"),
    "closed": ("kill", "term", "ctrl-c"),
}  # fmt: skip
"""Points at which every order is placed and stays so, with the faults that make sense there."""

VERDICTS |= {point: dict.fromkeys(faults, _PLACED) for point, faults in AFTERWARDS.items()}
