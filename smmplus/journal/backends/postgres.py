"""A journal in PostgreSQL, for several machines. Its tables have a schema of their own: the database may be shared.

Rules that SQLite keeps by itself are kept here by settings: one writer at a time in all processes (an advisory lock
that every transaction which writes takes first), no waiting without end, and commits that reach the disk.
"""

import json
from hashlib import blake2b
from typing import TYPE_CHECKING, Any, NamedTuple

from sqlalchemy import URL, Connection, Engine, create_engine, event, make_url, text
from sqlalchemy.exc import ArgumentError

from smmplus.errors import ConfigurationError, JournalError
from smmplus.journal.backends.sqlite import READING
from smmplus.texts import _, marked

if TYPE_CHECKING:
    import psycopg

SCHEMA = "smmplus"

DRIVER = "postgresql+psycopg"

BUSY_SECONDS = 30.0
"""How long a transaction waits for another process's; a wave of commits takes milliseconds."""

SUSPENDED_SECONDS = 15.0
"""How long a process may leave a transaction open and do nothing: less than the others wait for it."""

_CONNECTING: dict[str, str | int] = {
    "client_encoding": "utf8",
    "application_name": "smmplus",
    "connect_timeout": 10,
    # A network that is gone is noticed within half a minute, here and (by _settings) at the server.
    "keepalives": 1,
    "keepalives_idle": 10,
    "keepalives_interval": 5,
    "keepalives_count": 4,
    "tcp_user_timeout": 30_000,
}

_SET = "SELECT set_config(name, %s::jsonb ->> name, false) FROM pg_settings WHERE %s::jsonb ? name"
"""What the server does not know is left out."""

_STATE = """
SELECT pg_backend_pid(), pg_is_in_recovery(), current_setting('transaction_read_only'), current_setting('fsync'),
       current_setting('synchronous_commit'), current_setting('server_encoding')
"""


class _ServerState(NamedTuple):
    """What `_STATE` answers."""

    process: int
    standby: bool
    read_only: str
    fsync: str
    synchronous_commit: str
    encoding: str


def is_meant_by(url: str) -> bool:
    """Tell whether a URL names a PostgreSQL database."""
    return url.partition(":")[0].partition("+")[0] in {"postgresql", "postgres"}


def parsed(url: str) -> URL:
    """Read a URL. ConfigurationError where it cannot be read; its password is in no message."""
    rule = _("write postgresql://user@host/database, and the password into PGPASSFILE or PGPASSWORD")
    try:
        found = make_url(url)
    except (ArgumentError, ValueError):
        raise ConfigurationError(
            _("SMMPLUS_JOURNAL names a PostgreSQL database in a way that cannot be read: {rule}", rule=rule)
        ) from None
    # A password with a bare @ or / in it is split in the wrong place: its rest would be shown as host or database.
    if "@" in f"{found.host}{found.database}":
        raise ConfigurationError(_("SMMPLUS_JOURNAL has an @ too many: {rule}", rule=rule))
    if found.drivername not in {"postgresql", "postgres", DRIVER}:
        raise ConfigurationError(
            _("SMMPLUS_JOURNAL asks for the driver {driver}: {rule}", driver=found.drivername, rule=rule)
        )
    return found.set(drivername=DRIVER)


def is_busy(reason: BaseException) -> bool:
    """Tell whether an error of the driver says that others held what was waited for."""
    return getattr(reason, "sqlstate", None) == "55P03"  # lock_not_available


def engine_of(url: URL) -> Engine:
    """Open a database. ConfigurationError where the driver is missing."""
    try:
        from smmplus.journal.backends import pg_connection  # noqa: PLC0415 (an extra: who keeps a file needs no driver)
    except ImportError as error:
        raise ConfigurationError(
            _(
                "the journal is in PostgreSQL, and its driver is missing: {command}",
                command="pip install 'airflow-provider-smmplus[postgres]'",
            )
        ) from error
    connecting = {name: value for name, value in _CONNECTING.items() if name not in url.query}
    engine = create_engine(url, connect_args=connecting, pool_pre_ping=True)
    event.listen(
        engine, "do_connect", lambda _dialect, _record, args, named: pg_connection.Connection.connect(*args, **named)
    )
    event.listen(engine, "connect", lambda connection, _record: _prepare(connection, where(url)), insert=True)
    event.listen(engine, "begin", _begin)
    return engine


def where(url: URL) -> str:
    """Name a database for people, without its password."""
    user = f"{url.username}@" if url.username else ""
    port = f":{url.port}" if url.port else ""
    hosts = url.host or url.query.get("host", "")
    return f"postgresql://{user}{hosts if isinstance(hosts, str) else ','.join(hosts)}{port}/{url.database or ''}"


def key(name: str) -> int:
    """Give the number of an advisory lock."""
    return int.from_bytes(blake2b(name.encode(), digest_size=8).digest(), signed=True)


def tables(connection: Connection) -> set[str]:
    """Name the tables of the journal's schema, which is made if it is not there yet."""
    found = connection.execute(_TABLES, {"schema": SCHEMA}).scalars().all()
    if not found:
        _make_schema(connection)
    return set(found)


def _make_schema(connection: Connection) -> None:
    right = connection.execute(_RIGHTS, {"schema": SCHEMA}).one()
    if not right.there and right.database:
        connection.exec_driver_sql(f"CREATE SCHEMA {SCHEMA}")
    elif not right.schema:
        raise JournalError(
            _(
                "{user} may make no tables in the database {database}: let its owner run {command}",
                user=right.user,
                database=right.name,
                command=f'CREATE SCHEMA {SCHEMA} AUTHORIZATION "{right.user}"',
            )
        )


_TABLES = text("SELECT tablename FROM pg_tables WHERE schemaname = :schema")
_RIGHTS = text("""
    SELECT current_user AS user, current_database() AS name,
           has_database_privilege(current_database(), 'CREATE') AS database, count(oid) > 0 AS there,
           coalesce(bool_or(has_schema_privilege(oid, 'CREATE')), false) AS schema
    FROM pg_namespace WHERE nspname = :schema
""")
_WRITER = key("smmplus writer")


def _settings() -> dict[str, str]:
    return {
        "search_path": SCHEMA,
        "default_transaction_isolation": "read committed",
        "lock_timeout": f"{BUSY_SECONDS}s",
        "statement_timeout": f"{2 * BUSY_SECONDS}s",
        "idle_in_transaction_session_timeout": f"{SUSPENDED_SECONDS}s",
        "idle_session_timeout": "0",  # a run that only waits for the panel is no idle one
        "tcp_keepalives_idle": "10",
        "tcp_keepalives_interval": "5",
        "tcp_keepalives_count": "4",
        "tcp_user_timeout": "30000",
    }


def _prepare(connection: "psycopg.Connection[Any]", name: str) -> None:
    connection.autocommit = True
    state = _ServerState(*connection.execute(_STATE).fetchone() or ())
    if wrong := _unfit(state, connection.info.backend_pid):
        # Nothing was set: behind a pooler the next user of the server's process would have found it.
        connection.close()
        raise JournalError(_("the journal {journal} cannot be used: {reason}", journal=name, reason=wrong))
    # Set to what it is, durability that was checked cannot be taken away under a run.
    settings = json.dumps({**_settings(), "synchronous_commit": state.synchronous_commit})
    connection.execute(_SET, [settings, settings])
    connection.autocommit = False


def _unfit(state: _ServerState, greeted: int) -> str:
    """Tell why a server cannot hold a journal, "" where it can; `greeted` is the process that it said it is."""
    flaws = {
        marked(
            "a connection pooler stands before the server, and no lock is safe behind it: connect to the server itself"
        ): greeted != state.process,
        marked("this server is a standby, and takes no writes: connect to the primary"): state.standby,
        marked("the database is read-only (default_transaction_read_only)"): state.read_only == "on",
        marked("the server runs with fsync=off: an order that is committed could be forgotten"): state.fsync == "off",
        marked(
            "synchronous_commit is off for this user or database: an order that is committed could be forgotten"
        ): state.synchronous_commit == "off",
        marked("its encoding is {encoding}: make one with ENCODING 'UTF8'"): state.encoding != "UTF8",
    }
    return next((_(flaw, encoding=state.encoding) for flaw, is_there in flaws.items() if is_there), "")


def _begin(connection: Connection) -> None:
    # A reader sees one state of the journal throughout. A writer sees, statement by statement, what is committed:
    # its lock comes first, so nothing that it decides on changes under it.
    if connection.get_execution_options().get(READING):
        connection.exec_driver_sql("SET TRANSACTION ISOLATION LEVEL REPEATABLE READ, READ ONLY")
        connection.exec_driver_sql("SET LOCAL idle_in_transaction_session_timeout = '10min'")
    else:
        connection.exec_driver_sql(f"SELECT pg_advisory_xact_lock({_WRITER})")
