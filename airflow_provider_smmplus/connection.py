"""PURE: what an Airflow connection of the type `smmplus` means: panel, account, journal, pace."""

from dataclasses import dataclass
from math import isfinite
from typing import Any, Protocol
from urllib.parse import urlsplit

from smmplus.errors import ConfigurationError
from smmplus.panel import DEFAULT_URL, Panel

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
