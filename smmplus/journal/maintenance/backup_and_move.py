"""Copy a journal: into a file, as a backup while runs go on, or into PostgreSQL, to which it moves.

Every copy is read back and compared with the original: the same number of rows, with the same content. There are never
two journals that place orders: a backup places none, and neither does a journal that has moved.
"""

from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from hashlib import sha256
from itertools import islice
from pathlib import Path

from sqlalchemy import Connection, Engine, Table, delete, func, insert, select, text
from sqlalchemy.exc import DBAPIError

from smmplus.errors import ConfigurationError, JournalConflictError, JournalError, JournalInUseError
from smmplus.journal import metadata, recovery, schema
from smmplus.journal.backends import postgres, sqlite, sqlite_file
from smmplus.journal.backends.open import READING, make_tables, new_engine, snapshot, translated
from smmplus.journal.backends.open import where as name_of
from smmplus.journal.journal import Journal
from smmplus.journal.maintenance.integrity import Violation, audit
from smmplus.texts import _, marked

_PAGE = 1000
_MOST_FINDINGS = 20

Sums = dict[str, tuple[int, str]]
"""Table -> its rows, and the SHA-256 of them all."""


@dataclass(frozen=True, slots=True)
class Copied:
    """A copy that was made."""

    where: str
    orders: int
    findings: tuple[Violation, ...]
    """What `audit` finds in the copy, and so in the journal. A journal with errors is not moved."""


def back_up(url: str, to: Path, now: str) -> Copied:
    """Write a journal, as it is at one moment, into a new file, while others write into the journal.

    Raises JournalConflictError if the file exists, and JournalError if reading or writing fails; then no file is left.
    """
    _must_be_free(to)
    try:
        with snapshot(url) as source, translated(str(to)), sqlite_file.new_file(to) as made, _damage_of(name_of(url)):
            said = _must_be_current(source, name_of(url))
            with new_engine(made) as engine:
                with engine.begin() as target:
                    sums = _fill(source, target, said | {metadata.BACKUP: now})
                findings = _read_back(engine, sums)
            sqlite.make_single(made)
    except JournalError as error:
        if isinstance(error.__cause__, FileExistsError):
            _must_be_free(to)
        raise
    return Copied(str(to), sums["entries"][0], findings)


@contextmanager
def _damage_of(where: str) -> Iterator[None]:
    """Raise an error that names the journal if it turns out to be damaged, and not the new file."""
    try:
        yield
    except DBAPIError as error:
        if error.orig is not None and sqlite_file.is_damage(error.orig):
            raise sqlite_file.damaged(where, error.orig) from error
        raise


def move(journal: Journal, url: str) -> Copied:
    """Copy a journal into a PostgreSQL database without one, which is the journal from then on.

    Raises JournalInUseError while a run is alive, and JournalConflictError if the database has a journal. The file is
    marked as moved, and places no more orders.
    """
    journal.recover_crashed_runs()  # rescue files next to the file are only found from there
    with _postgres(url) as (engine, where), journal.transaction() as source:  # nobody else writes into the file
        _must_be_idle(journal, source)
        said = _must_be_current(source, journal.where)
        if recovery.is_left(journal, source):
            raise JournalInUseError(
                _("a run has just ended, and left order ids next to the journal: run the same command again")
            )
        with translated(where):
            sums, findings = _copy_into(engine, where, source, said | {metadata.COPYING: journal.time()})
        if findings:
            first = f"{findings[0].where}: {findings[0].what}"
            raise JournalError(
                _(
                    "the journal {journal} was not moved: it has errors ({first}). See `smmplus journal check`",
                    journal=journal.where,
                    first=first,
                )
            )
        metadata.put(source, metadata.MOVED, where)
    finish_move(journal.path, url)
    return Copied(where, sums["entries"][0], findings)


def finish_move(path: Path | None, url: str) -> int | None:
    """Take the last step of a move: the database becomes the journal once the file is marked as moved.

    Returns the number of orders; None if no move to that database got so far.
    """
    if path is None or not path.is_file():
        return None
    with snapshot(sqlite.url_of(path)) as source:
        said = metadata.read(source) if _has_meta(source) else {}
    if said.get(metadata.MOVED) != name_of(url):
        return None
    with _postgres(url) as (engine, _where), engine.begin() as target:
        there = metadata.read(target) if postgres.tables(target) else {}
        if metadata.COPYING not in there or there.get(metadata.UUID_NAME) != said[metadata.UUID_NAME]:
            return None
        metadata.take_away(target, metadata.COPYING)
        return int(target.execute(select(func.count()).select_from(schema.entries)).scalar_one())


def fill_postgres(url: str, source: Connection) -> None:
    """Copy a journal into a PostgreSQL database without one."""
    with _postgres(url) as (engine, where):
        _copy_into(engine, where, source, metadata.read(source))


def _copy_into(
    engine: Engine, where: str, source: Connection, said: dict[str, str]
) -> tuple[Sums, tuple[Violation, ...]]:
    with engine.begin() as target:
        _make_room(target, where, said[metadata.UUID_NAME])
        sums = _fill(source, target, said)
        _set_sequences(target)
    return sums, _read_back(engine, sums)


@contextmanager
def _postgres(url: str) -> Iterator[tuple[Engine, str]]:
    parsed = postgres.parsed(url)
    if parsed.password is not None:
        raise ConfigurationError(
            _(
                "a password in an argument can be read by every user of this machine: write it into the file that "
                "PGPASSFILE names, and leave it out of the URL"
            )
        )
    where = postgres.where(parsed)
    with translated(where):
        engine = postgres.engine_of(parsed)
        try:
            yield engine, where
        finally:
            engine.dispose()


def _must_be_free(to: Path) -> None:
    if to.exists() or to.is_symlink():
        raise JournalConflictError(_("{path} already exists, and is not overwritten: name another file", path=to))


def _must_be_current(source: Connection, where: str) -> dict[str, str]:
    said = metadata.read(source)
    if said.get("version") != str(schema.VERSION):
        text = marked("the journal {journal} has version {version}, not {current}")
        raise JournalError(_(text, journal=where, version=said.get("version"), current=schema.VERSION))
    return said


def _must_be_idle(journal: Journal, source: Connection) -> None:
    for run in source.execute(select(schema.runs).where(schema.runs.c.ended_at.is_(None))):
        if journal.is_run_alive(run.id):
            raise JournalInUseError(
                _(
                    "process {pid} on {host} ({user}) is placing orders since {since}: a journal moves only while no "
                    "run is under way. Wait for it, or stop it",
                    pid=run.pid,
                    host=run.host,
                    user=run.user,
                    since=run.started_at,
                )
            )


def _make_room(target: Connection, where: str, uuid: str) -> None:
    """Make sure that a database has an empty journal. What an unfinished copy left is deleted."""
    tables = postgres.tables(target)
    if not tables:
        make_tables(target)
        return
    said = metadata.read(target) if schema.meta.name in tables else {}
    if not (said.get(metadata.UUID_NAME) == uuid and metadata.COPYING in said):
        if not said or _holds_anything(target):
            raise JournalConflictError(
                _(
                    "{database} already has a journal: copy into another database. To delete all that is in it: "
                    "{command}",
                    database=where,
                    command=f"DROP SCHEMA {postgres.SCHEMA} CASCADE",
                )
            )
        _must_be_current(target, where)
    for table in reversed(schema.metadata.sorted_tables):
        target.execute(delete(table))


def _holds_anything(target: Connection) -> bool:
    return any(
        target.execute(select(func.count()).select_from(table)).scalar_one()
        for table in (schema.accounts, schema.runs, schema.notes)
    )


def _has_meta(source: Connection) -> bool:
    found = source.execute(text("SELECT count(*) FROM sqlite_master WHERE name = 'meta'")).scalar_one()
    return bool(found)


def _fill(source: Connection, target: Connection, said: dict[str, str]) -> Sums:
    """Copy all rows with their numbers, and write `said` into the copy's table `meta`."""
    sums = {}
    for table in _copied_tables():
        digest, rows = sha256(), 0
        for page in _pages(source, table):
            rows += len(page)
            digest.update(repr(page).encode())
            target.execute(insert(table), [dict(zip(table.c.keys(), row, strict=True)) for row in page])
        sums[table.name] = rows, digest.hexdigest()
    target.execute(delete(schema.meta))
    target.execute(insert(schema.meta), [{"name": name, "value": value} for name, value in said.items()])
    return sums


def _read_back(engine: Engine, sums: Sums) -> tuple[Violation, ...]:
    """Compare a committed copy with what was read."""
    with engine.execution_options(**{READING: True}).connect() as target:
        for table in _copied_tables():
            digest, rows = sha256(), 0
            for page in _pages(target, table):
                rows += len(page)
                digest.update(repr(page).encode())
            if sums[table.name] != (rows, digest.hexdigest()):
                raise JournalError(
                    _(
                        "the copy is not what was read: {rows} rows of {table}, not {read}",
                        rows=rows,
                        table=table.name,
                        read=sums[table.name][0],
                    )
                )
        return tuple(islice(audit(target), _MOST_FINDINGS))


def _copied_tables() -> list[Table]:
    return [table for table in schema.metadata.sorted_tables if table is not schema.meta]


def _pages(connection: Connection, table: Table) -> Iterator[list[tuple[object, ...]]]:
    statement = select(table).order_by(*table.primary_key)
    with translated(str(connection.engine.url.database)):  # an error here is one of the original
        rows = connection.execute(statement, execution_options={"yield_per": _PAGE})
        for part in rows.partitions():
            yield [tuple(row) for row in part]


def _set_sequences(target: Connection) -> None:
    """Set the sequence of each table to its highest number."""
    for table in _copied_tables():
        if table.autoincrement_column is not None:
            name = f"{postgres.SCHEMA}.{table.name}"
            highest = f"SELECT setval(pg_get_serial_sequence('{name}', 'id'), (SELECT max(id) FROM {name}))"  # noqa: S608
            target.execute(text(highest))  # of no row: setval(…, null), which does nothing
