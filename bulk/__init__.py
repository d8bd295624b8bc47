"""Sheets of orders: read, checked, priced, placed once, tracked and written back.

::

    checked = bulk.check(df)                    # what is wrong, and what it would cost
    placed = bulk.run(df, campaign="week 7")    # every row is placed once, however often this is called
    now = bulk.status(df, campaign="week 7")    # where its orders stand
"""

from importlib import import_module
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from bulk.errors import RunError, SheetError
    from bulk.frames import check, run, status
    from bulk.sheet import Problem

__all__ = ["Problem", "RunError", "SheetError", "check", "run", "status"]

_HOMES = {
    "Problem": "sheet",
    **dict.fromkeys(("RunError", "SheetError"), "errors"),
    **dict.fromkeys(("check", "run", "status"), "frames"),
}


def __getattr__(name: str) -> object:
    """Import on first use: who only wants the package's name must not wait for pandas and a database."""
    if name not in __all__:
        raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
    return getattr(import_module(f"{__name__}.{_HOMES[name]}"), name)
