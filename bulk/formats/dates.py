"""Dates: ISO in a sheet, where 04/03/2026 is April to one and March to another; day/month/year for the panel."""

import datetime as dt
import re

DATE_FIELD = "expiry"

_ISO = re.compile(r"[0-9]{4}-[0-9]{2}-[0-9]{2}")


def panel_date(text: str) -> str | None:
    """Write an ISO date as panels want it: "2026-12-31" is "31/12/2026". None for any other text, and for no day."""
    if not _ISO.fullmatch(text):
        return None
    try:
        return dt.date.fromisoformat(text).strftime("%d/%m/%Y")
    except ValueError:
        return None
