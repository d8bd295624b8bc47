"""PURE: what an Airflow connection of the type `smmplus` means: panel, account, journal, pace."""

from collections.abc import Callable, Iterable
from dataclasses import dataclass
from math import isfinite
from pathlib import Path
from typing import Any, Protocol
from urllib.parse import urlsplit

from smmplus.api.panel import DEFAULT_URL, Panel
from smmplus.errors import ConfigurationError, JournalConflictError

CONN_TYPE = "smmplus"
DEFAULT_CONN_ID = "smmplus_default"
DEFAULT_ACCOUNT = "default"


class AirflowConnection(Protocol):
    """What is read of an Airflow connection."""

    conn_id: str
    conn_type: str | None
    host: str | None
    port: int | None
    schema: str | None
    login: str | None
    password: str | None

    @property
    def extra_dejson(self) -> dict[str, Any]:
        """The extra fields."""
        ...


@dataclass(frozen=True, slots=True)
class Settings:
    """What a connection says."""

    panel: Panel
    account: str
    """The name under which the journal knows the account; the API key may change, this must not."""
    journal_conn_id: str | None
    """The connection of the PostgreSQL database that holds the journal; None for a SQLite file of this machine."""
    rate: float
    """Calls a second; 0 for no limit."""


def settings_of(connection: AirflowConnection) -> Settings:
    """Read a connection, given as form, URI or JSON. ConfigurationError names the field and what to write."""
    extra = connection.extra_dejson
    where = f"connection {connection.conn_id!r}"
    if not connection.password:
        raise ConfigurationError(f"{where} has no API key: write it into the field API key (password)")
    try:
        panel = Panel(
            key=connection.password,
            url=url_of(connection),
            connect_timeout=_seconds(extra, "connect_timeout", 10.0),
            read_timeout=_seconds(extra, "read_timeout", 60.0),
        )
        rate = _number(extra, "rate", 1.0)
    except ConfigurationError as error:
        raise ConfigurationError(f"{where}: {error}") from None
    account = (connection.login or "").strip() or DEFAULT_ACCOUNT
    return Settings(panel, account, extra.get("journal_conn_id") or None, rate)


def url_of(connection: AirflowConnection) -> str:
    """Put the API's address together: the field may hold all of it, a URI brings it in parts."""
    host, path = connection.host or "", (connection.schema or "").strip("/")
    if not host:
        return DEFAULT_URL
    url = host.rstrip("/") if "://" in host else f"https://{host}"
    if connection.port and urlsplit(url).port is None:
        parts = urlsplit(url)
        url = f"{parts.scheme}://{parts.netloc}:{connection.port}{parts.path}"
    if path:
        return f"{url}/{path}"
    return url if urlsplit(url).path else url + urlsplit(DEFAULT_URL).path


def _seconds(extra: dict[str, Any], name: str, default: float) -> float:
    seconds = _number(extra, name, default)
    if seconds == 0:
        raise ConfigurationError(f"{name} is 0: write how many seconds to wait")
    return seconds


def _number(extra: dict[str, Any], name: str, default: float) -> float:
    """Read a number, which a URI brings as text."""
    value = extra.get(name)
    if value is None or value == "":
        return default
    try:
        number = float(value)
    except (TypeError, ValueError):
        number = -1.0
    if isinstance(value, bool) or not isfinite(number) or number < 0:
        raise ConfigurationError(f"{name} is {value!r}: write a number that is not negative")
    return number


REMEMBERED = "smmplus_journal"
"""The key of a task's state under which the uuid of its journal is kept."""

_LIBPQ = frozenset({"sslmode", "sslcert", "sslkey", "sslrootcert", "passfile", "options", "target_session_attrs"})
"""Extra fields of a PostgreSQL connection that are settings of the server's own client library."""


class StateStore(Protocol):
    """What is used of `context["task_state_store"]`."""

    def get(self, key: str, default: Any = None) -> Any:  # noqa: ANN401 (whatever was kept)
        """Give what was kept, or the default where there is nothing."""
        ...

    def set(self, key: str, value: str, *, retention: Any = None) -> None:  # noqa: ANN401 (Airflow's own kinds)
        """Keep a value; it is on disk when this returns."""
        ...


def journal_url(
    journal_conn_id: str | None,
    *,
    connection: Callable[[str], AirflowConnection],
    executors: Iterable[str],
    home: Path,
) -> str:
    """Name the journal's database: the one that the connection names, or a file under AIRFLOW_HOME.

    A file is right only where every task sees it: with the LocalExecutor. Elsewhere each worker would have a journal of
    its own, and order what another has ordered: ConfigurationError.
    """
    if journal_conn_id is not None:
        return postgresql_url(connection(journal_conn_id))
    if foreign := sorted({name for name in executors if name.rpartition(".")[2] != "LocalExecutor"}):
        raise ConfigurationError(
            f"with {', '.join(foreign)} the workers do not share a disk, and each would keep a journal of its own and "
            "order twice: name a PostgreSQL connection in the connection's field Journal connection (journal_conn_id)"
        )
    return f"sqlite:///{home / 'smmplus' / 'journal.sqlite3'}"


def postgresql_url(connection: AirflowConnection) -> str:
    """Turn a PostgreSQL connection into a database URL. It holds the password: it is for the driver alone."""
    from sqlalchemy import URL  # noqa: PLC0415 (a tenth of a second, while a DAG file is parsed)

    if connection.conn_type != "postgres":
        raise ConfigurationError(
            f"connection {connection.conn_id!r} is of the type {connection.conn_type!r}: the journal needs PostgreSQL"
        )
    settings = {name: str(value) for name, value in connection.extra_dejson.items() if name in _LIBPQ}
    url = URL.create(
        "postgresql",
        connection.login or None,
        connection.password or None,
        connection.host or None,
        connection.port,
        connection.schema or None,
        settings,
    )
    return url.render_as_string(hide_password=False)


def remember(uuid: str, where: str, store: StateStore, *, for_ever: object) -> None:
    """Keep the journal's uuid with the task before it places anything; a later attempt with another journal stops.

    Raises JournalConflictError: an order that the other journal knows would be placed once more.
    """
    before = store.get(REMEMBERED)
    if before is not None and before != uuid:
        raise JournalConflictError(
            f"this task began with the journal {before}, and finds {uuid} ({where}): a restored, copied or new journal "
            "does not know what was ordered since. Bring the first one back, or clear the task to begin anew with this"
        )
    store.set(REMEMBERED, uuid, retention=for_ever)
