"""The table `meta`: which journal this is, and whether orders may be placed from it."""

from collections.abc import Mapping
from uuid import UUID

from sqlalchemy import Connection, delete, insert, select, text

from smmplus.commands import command
from smmplus.errors import JournalError
from smmplus.journal.schema import meta
from smmplus.texts import _, marked

UUID_NAME = "uuid"
SALT = "salt"
"""The salt of the hashes of API keys."""
BACKUP = "backup"
"""When this backup was made. It lacks all later orders, so nothing is placed from it."""
MOVED = "moved"
"""Where the journal is now."""
COPYING = "copying"
"""Since when a journal is being copied into this database. It cannot be used before that is finished."""
RESTORED = "restored"
"""When the backup was made that this journal was restored from."""
RESTORED_AT = "restored_at"
"""When it was restored."""
LOST = "lost"
"""The sign that the journal lost its latest commits; "" or absent if a person restored a backup."""
COMMITS = "commits"
"""The number of committed transactions of runs. It is compared with the traces of runs."""
OPEN = "open "
"""Followed by a run's id: since when the run has the journal open. Removed when it ends or is found dead."""
SETTLED = "settled"
"""A person's confirmation that no order placed since the backup will be sent again: for the whole journal or, followed
by its number, for one campaign. The value is the journal's uuid: restoring changes the uuid, and asks again."""


def acknowledged(account_id: int) -> str:
    """Return the name under which the latest balance is recorded whose falls a person explained."""
    return f"acknowledged {account_id}"


def final_words(account_id: int) -> str:
    """Return the name under which the statuses are recorded that a person said are final, as a JSON list."""
    return f"final {account_id}"


def settled(campaign_id: int | None) -> str:
    """Return the name under which the confirmation for a campaign, or for the whole journal, is recorded."""
    return SETTLED if campaign_id is None else f"{SETTLED} {campaign_id}"


def read(connection: Connection) -> dict[str, str]:
    """Read the table."""
    return {row.name: row.value for row in connection.execute(select(meta.c.name, meta.c.value))}


def put(connection: Connection, name: str, value: str) -> None:
    """Set a value."""
    take_away(connection, name)
    connection.execute(insert(meta), {"name": name, "value": value})


def take_away(connection: Connection, name: str) -> None:
    """Remove a value."""
    connection.execute(delete(meta).where(meta.c.name == name))


def raise_commits(connection: Connection) -> int:
    """Count the present transaction of a run, and return the count."""
    return int(connection.execute(_RAISE).scalar_one())


_RAISE = text(
    f"INSERT INTO meta (name, value) VALUES ('{COMMITS}', '1') ON CONFLICT (name) DO UPDATE "  # noqa: S608 (a constant)
    "SET value = CAST(CAST(meta.value AS BIGINT) + 1 AS TEXT) RETURNING value"
)


def opens(said: Mapping[str, str]) -> set[str]:
    """Return the runs that have the journal open, or died while they had."""
    return {name.removeprefix(OPEN) for name in said if name.startswith(OPEN)}


def flaw(said: Mapping[str, str]) -> str:
    """Return what is wrong with the values; "" if nothing is."""
    if not (said.get("version") or "").isdigit():
        return _("its version is {version!r}", version=said["version"]) if "version" in said else _("it has no version")
    try:
        UUID(said.get(UUID_NAME, ""))
    except ValueError:
        return _("its uuid is {uuid!r}", uuid=said[UUID_NAME]) if UUID_NAME in said else _("it has no uuid")
    if not said.get(COMMITS, "0").isdecimal():
        return _("its number of commits is {number!r}", number=said[COMMITS])
    return ""


def must_be_in_use(connection: Connection, where: str) -> None:
    """Raise JournalError if no order may be placed from a journal: moved, a backup, or not completely copied."""
    if why := unusable(read(connection), where):
        raise JournalError(why)


def unusable(said: Mapping[str, str], where: str) -> str:
    """Return why no order may be placed from a journal, and what to do; "" if orders may be placed."""
    if moved := said.get(MOVED):
        text = marked(
            "the journal {journal} has moved to {to}: set SMMPLUS_JOURNAL to that. This file stays as it was then"
        )
        return _(text, journal=where, to=moved)
    if since := said.get(COPYING):
        text = marked("the copy in {journal}, begun at {since}, was never finished: run `smmplus journal copy` again")
        return _(text, journal=where, since=since)
    if at := said.get(BACKUP):
        return _(
            "{journal} is a backup, made at {at}: it lacks the orders placed since then, and would place them again. "
            "To use it in place of a lost journal: `{command}`",
            journal=where,
            at=at,
            command=command("journal restore", where),
        )
    return ""
