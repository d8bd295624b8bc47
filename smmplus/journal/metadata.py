"""What the `meta` table says of a journal: which one it is, and whether orders may be placed from it."""

from collections.abc import Mapping
from uuid import UUID

from sqlalchemy import Connection, delete, insert, select, text

from smmplus.commands import command
from smmplus.errors import JournalError
from smmplus.journal.schema import meta

UUID_NAME = "uuid"
SALT = "salt"
"""What API keys are hashed with."""
BACKUP = "backup"
"""When this copy was made. It knows no order of later: nothing is placed from it."""
MOVED = "moved"
"""Where the journal is now."""
COPYING = "copying"
"""Since when the journal is being copied into this database; it is no journal before that is done."""
RESTORED = "restored"
"""When the backup was made that this journal comes from."""
RESTORED_AT = "restored_at"
"""When it was restored."""
LOST = "lost"
"""How it was noticed that a journal had lost its latest commits; "" or absent where a person restored a backup."""
COMMITS = "commits"
"""How many transactions of runs were committed: the traces of runs next to the journal hold it against this."""
OPEN = "open "
"""With a run's id behind it: since when the run has the journal open. Taken away when it ends, or is found dead."""
SETTLED = "settled"
"""That no order placed since the backup will be sent again, as a person says, of the journal or (with the campaign's
number behind it) of one campaign. It holds the journal's uuid: each restoring gives another, and asks anew."""


def settled(campaign_id: int | None) -> str:
    """PURE: name a person's word on a campaign, or on the whole journal."""
    return SETTLED if campaign_id is None else f"{SETTLED} {campaign_id}"


def read(connection: Connection) -> dict[str, str]:
    """Read what is said of a journal."""
    return {row.name: row.value for row in connection.execute(select(meta.c.name, meta.c.value))}


def put(connection: Connection, name: str, value: str) -> None:
    """Say something of a journal, in place of what was said under that name."""
    take_away(connection, name)
    connection.execute(insert(meta), {"name": name, "value": value})


def take_away(connection: Connection, name: str) -> None:
    """Say it no more."""
    connection.execute(delete(meta).where(meta.c.name == name))


def raise_commits(connection: Connection) -> int:
    """Count a transaction of a run, in itself."""
    return int(connection.execute(_RAISE).scalar_one())


_RAISE = text(
    f"INSERT INTO meta (name, value) VALUES ('{COMMITS}', '1') ON CONFLICT (name) DO UPDATE "  # noqa: S608 (a constant)
    "SET value = CAST(CAST(meta.value AS BIGINT) + 1 AS TEXT) RETURNING value"
)


def opens(said: Mapping[str, str]) -> set[str]:
    """PURE: name the runs that have the journal open, or died in it."""
    return {name.removeprefix(OPEN) for name in said if name.startswith(OPEN)}


def flaw(said: Mapping[str, str]) -> str:
    """PURE: tell what is wrong with what is said of a journal; nothing if it is whole."""
    if not (said.get("version") or "").isdigit():
        return f"its version is {said['version']!r}" if "version" in said else "it says no version"
    try:
        UUID(said.get(UUID_NAME, ""))
    except ValueError:
        return f"its uuid is {said[UUID_NAME]!r}" if UUID_NAME in said else "it says no uuid"
    if not said.get(COMMITS, "0").isdecimal():
        return f"its number of commits is {said[COMMITS]!r}"
    return ""


def must_be_in_use(connection: Connection, where: str) -> None:
    """Refuse a journal from which no order may be placed: moved, a backup, or not wholly copied."""
    if why := unusable(read(connection), where):
        raise JournalError(why)


def unusable(said: Mapping[str, str], where: str) -> str:
    """PURE: say why no order may be placed from a journal, and what to do; nothing where they may."""
    if moved := said.get(MOVED):
        return f"the journal {where} has moved to {moved}: set SMMPLUS_JOURNAL to that. This file stays as it was then"
    if since := said.get(COPYING):
        return f"the copy in {where}, begun at {since}, was never finished: run `smmplus journal copy` once more"
    if at := said.get(BACKUP):
        return (
            f"{where} is a backup, made at {at}: it knows no order placed since then, and would place those again. To "
            f"use it in place of a lost journal: `{command('journal restore', where)}`"
        )
    return ""
