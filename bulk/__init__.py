"""Sheets of orders: read, checked, priced, placed once, tracked and written back.

::

    checked = bulk.check(df)                    # what is wrong, and what it would cost
    placed = bulk.run(df, campaign="week 7")    # every row is placed once, however often this is called
    now = bulk.status(df, campaign="week 7")    # where its orders stand
"""

from importlib import import_module
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from bulk.dataframes import check, run, status
    from bulk.dataframes.results import RunError
    from bulk.model.errors import ExitStatus, SheetError
    from bulk.model.sheet import Problem
    from bulk.planning.plan import Plan
    from bulk.running.events import RunListener
    from bulk.running.result import RunResult

__all__ = [
    "ExitStatus",
    "Plan",
    "Problem",
    "RunError",
    "RunListener",
    "RunResult",
    "SheetError",
    "check",
    "run",
    "status",
]

_MODULES = {
    **dict.fromkeys(("ExitStatus", "SheetError"), "model.errors"),
    "Plan": "planning.plan",
    "Problem": "model.sheet",
    "RunError": "dataframes.results",
    "RunListener": "running.events",
    "RunResult": "running.result",
    **dict.fromkeys(("check", "run", "status"), "dataframes"),
}


def __getattr__(name: str) -> object:
    """Import on first use: the name of the package alone loads neither pandas nor a database."""
    if name not in _MODULES:
        raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
    return getattr(import_module(f"bulk.{_MODULES[name]}"), name)


def __dir__() -> list[str]:
    return __all__
