"""What the command line says, apart from what a plan or a run says of itself."""

from collections.abc import Mapping

from smmplus.texts import _, counted, marked

PROGRAM = "Place the orders of a spreadsheet on smm.plus, each exactly once."

SUMMARIES: Mapping[str, str] = {
    "check": "Check a sheet and show what it would cost",
    "run": "Place the orders in a sheet",
    "status": "Update order statuses in a sheet, or show those of orders",
    "watch": "Run the sheets that are dropped into a folder",
    "serve": "Serve a page to upload, approve and place sheets",
    "order": "Place one order",
    "refill": "Request refills of delivered orders",
    "cancel": "Request to cancel orders that are not finished",
    "report": "Report what orders cost and delivered",
    "history": "Show the life of one order",
    "doubts": "List orders in doubt, with balance evidence",
    "resolve": "Record whether orders in doubt were placed, or undo that",
    "reconcile": "Search for evidence about orders in doubt",
    "budget": "Show, set or remove campaign budgets",
    "login": "Check and keep the API key of an account",
    "logout": "Remove the kept API key of an account",
    "account": "Show accounts, and change their settings",
    "services": "List the panel's services and prices",
    "balance": "Show the account balance",
    "template": "Create an empty sheet to fill in",
    "demo": "Try everything on sample sheets, without an account",
    "journal": "Show, verify, export or back up the journal",
    "sandbox": "Start a simulated panel",
}
"""The commands, in the order in which they are listed."""


STATES = (marked("Not sent"), marked("Sending"), marked("Placed"), marked("Rejected"), marked("In doubt"))
"""The states of orders. Sheets have them in English, as the panel's."""


def lasting(seconds: float) -> str:
    """Return a duration in the largest unit that fits: "about 8 minutes"."""
    if seconds >= 1.5 * 3600:
        return _("about {duration}", duration=counted(round(seconds / 3600), "hour"))
    if seconds >= 1.5 * 60:
        return _("about {duration}", duration=counted(round(seconds / 60), "minute"))
    return _("about {duration}", duration=counted(max(1, round(seconds)), "second"))
