"""The matrix as literal tables: the points of a run, the faults, and the allowed states of the order at the point.

The state of the order at the point is read after the interrupted run and after the runs that follow. A cell of the
table lists which of four states are correct. A missing cell is a combination that makes no sense: a full disk of the
sheet, for example, is not a fault before the sheet is written.
"""

POINTS: dict[str, str] = {
    "planning": "the plan is made, not yet in the journal",
    "planned": "the row is planned, no intent written yet",
    "intending": "the intent is written, not yet committed",
    "intended": "the intent is committed, nothing sent yet",
    "leaving": "the connection is open, the order not yet sent",
    "sent": "the order is sent, not yet received by the panel",
    "accepted": "the order is accepted, the answer not yet received",
    "answered": "the answer is read, not yet recorded",
    "recording": "the outcome is written, not yet committed",
    "recorded": "the outcome is committed, not yet reported",
    "following": "the statuses are read, not yet recorded",
    "followed": "the statuses are recorded",
    "writing": "the new sheet is half written",
    "written": "the new sheet is complete, not yet in place",
    "replaced": "the new sheet is in place, not yet recorded in the journal",
    "closed": "the run is recorded as finished, the program about to exit",
}
"""Points at which a run is interrupted, in the order in which a run reaches them."""

FAULTS: dict[str, str] = {
    "kill": "SIGKILL",
    "term": "SIGTERM",
    "ctrl-c": "Ctrl-C",
    "ctrl-c-twice": "Ctrl-C twice",
    "ctrl-c-thrice": "Ctrl-C three times",
    "refuse": "network down: connections dropped, new ones refused",
    "reset": "network down: existing and new connections dropped",
    "hang": "network down: no data gets through",
    "surplus-200": "unsolicited answer with an order id",
    "surplus-408": "unsolicited answer 408",
    "surplus-429": "unsolicited answer 429",
    "full-journal": "disk of the journal full",
    "full-sheet": "disk of the sheet full",
    "full-both": "disk of journal and sheet full",
    "locked": "journal locked for longer than the program waits",
    "locked-briefly": "journal locked for a moment",
    "journal-refuse": "journal server down: connections dropped, new ones refused",
    "journal-cut": "connections to the journal server dropped",
    "journal-hang": "journal server silent for some seconds, then down",
    "journal-lose": "answer to the next journal statement lost, then connections dropped",
}
"""What interrupts a run. Network, disks and locks stay as the fault left them until that run has ended."""

ONLY: dict[str, frozenset[str]] = {
    "sqlite": frozenset({"full-both"}),
    "postgresql": frozenset({"journal-refuse", "journal-cut", "journal-hang", "journal-lose"}),
}
"""Faults of one database only: a file can share its disk with the sheet, a server is reached over a network."""

KEPT = "placed"
"""Placed by the interrupted run and in the journal."""
LATER = "placed later"
"""Still planned after the interrupted run, placed by a later one."""
DOUBT = "in doubt"
"""In doubt until a person resolves it."""
RESCUED = "recovered"
"""Its id was read but could not be committed; the next run recorded it from the rescue file."""

Became = frozenset[str]


def _are(*words: str) -> Became:
    return frozenset(words)


# A fault that interrupts one thread while another continues has two correct results. So has a third Ctrl-C, which does
# not wait. That no order is lost or sent twice is not in this table: it is checked in every case.
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
"""Point -> fault -> allowed states of the order at the point."""

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
"""Points at which every order is placed and remains placed, with the faults that make sense there."""

VERDICTS |= {point: dict.fromkeys(faults, _PLACED) for point, faults in AFTERWARDS.items()}
