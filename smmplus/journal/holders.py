"""Who holds what another process waits for, in words."""

from collections.abc import Callable
from pathlib import Path
from typing import Any

from sqlalchemy import Connection, Row, select
from sqlalchemy.exc import SQLAlchemyError

from smmplus.journal import place, sqlite
from smmplus.journal.locks import FileLocks
from smmplus.journal.schema import campaigns, runs

_MOST = 20
"""Runs that are looked at; those that were killed never ended, and are passed over."""


def of_campaign(connection: Connection, campaign_id: int) -> str:
    """Say which run is in a campaign."""
    about = (campaigns.c.name, runs.c.pid, runs.c.host, runs.c.user, runs.c.started_at)
    joined = select(*about).join(runs, runs.c.id == campaigns.c.holder)
    found = connection.execute(joined.where(campaigns.c.id == campaign_id)).first()
    if found is None:
        return "another run is placing this campaign"
    return f"campaign {found.name!r} is being placed by {_process(found)}: wait for it, or stop it"


def of_journal(connection: Connection, is_alive: Callable[[str], bool], own: str | None) -> str:
    """Name the other runs that are alive, one of which may hold the whole journal; "" where there is none."""
    latest = select(runs).where(runs.c.ended_at.is_(None)).order_by(runs.c.started_at.desc()).limit(_MOST)
    found = [_process(run) for run in connection.execute(latest) if run.id != own and is_alive(run.id)]
    return f"; under way are {', '.join(found)}" if found else ""


def of_file(path: Path) -> str:
    """Say the same of a journal in a file that was held while it was to be opened."""
    path = place.real(path)
    engine, locks = sqlite.engine_of(path), FileLocks(path.with_name(path.name + ".locks"))

    def is_alive(run_id: str) -> bool:
        free = locks.take(f"run-{run_id}")
        locks.drop(f"run-{run_id}")
        return not free

    try:
        with engine.execution_options(**{sqlite.READING: True}).begin() as connection:
            return of_journal(connection, is_alive, None)
    except SQLAlchemyError:
        return ""
    finally:
        engine.dispose()


def _process(run: Row[*tuple[Any, ...]]) -> str:
    return f"process {run.pid} on {run.host} ({run.user}) since {run.started_at}"
