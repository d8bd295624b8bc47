"""What the command line says, apart from what a plan or a run says of itself."""

from collections.abc import Mapping

PROGRAM = "Place the orders of a spreadsheet on smm.plus, each exactly once."

SUMMARIES: Mapping[str, str] = {
    "check": "Check a sheet and show what it would cost",
    "run": "Place the orders in a sheet",
    "status": "Update order statuses in a sheet",
    "doubts": "List orders in doubt, with balance evidence",
    "resolve": "Record whether orders in doubt were placed",
    "reconcile": "Search for evidence about orders in doubt",
    "budget": "Show, set or remove campaign budgets",
    "account": "Show accounts, merge them or keep them apart",
    "services": "List the panel's services and prices",
    "balance": "Show the account balance",
    "template": "Create an empty sheet to fill in",
    "demo": "Try everything on sample sheets, without an account",
    "journal": "Show, verify, export or back up the journal",
    "sandbox": "Start a simulated panel",
}
"""The commands, in the order in which they are listed."""


def lasting(seconds: float) -> str:
    """Return a duration in the largest unit that fits: "about 8 minutes"."""
    for unit, length in (("hour", 3600), ("minute", 60)):
        if seconds >= 1.5 * length:
            return f"about {counted(round(seconds / length), unit)}"
    return f"about {counted(max(1, round(seconds)), 'second')}"


def counted(number: int, noun: str) -> str:
    """Return "1 order", "2 orders"."""
    return f"{number} {noun}{'' if number == 1 else 's'}"
