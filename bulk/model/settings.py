"""Settings from environment variables.

The API key is never an argument: process lists and shell histories show arguments.
"""

import getpass
import re
import sys
from collections.abc import Callable, Mapping
from contextlib import suppress
from pathlib import Path

from smmplus.api.panel import DEFAULT_URL, Panel
from smmplus.errors import ConfigurationError

DEFAULT_ACCOUNT = "default"


def account_named(name: str) -> str:
    """Return the one spelling of an account's name: `shop_2` for "Shop 2", which has the same settings.

    If the journal took them for two accounts, a sheet could be ordered for each.
    """
    return re.sub(r"[^A-Z0-9]+", "_", name.upper()).lower()


def panel_of(account: str, environment: Mapping[str, str], *, ask: Callable[[str], str] | None = None) -> Panel:
    """Return an account's panel with its key.

    The default account is set by `SMMPLUS_API_KEY` or `SMMPLUS_API_KEY_FILE`, and `SMMPLUS_API_URL`. An account named
    shop is set by the same names followed by `_SHOP`. A named account never uses the default account's key: its orders
    would be booked under the wrong name. If no key is set, `ask` is called for it.
    """
    account = account_named(account)
    return Panel(key=_key_of(account, _suffix(account), environment, ask), url=url_of(account, environment))


def url_of(account: str, environment: Mapping[str, str]) -> str:
    """Return the URL of an account's panel. No key is needed for it."""
    own = environment.get(f"SMMPLUS_API_URL{_suffix(account_named(account))}")
    return (own or environment.get("SMMPLUS_API_URL") or DEFAULT_URL).rstrip("/")


def _suffix(account: str) -> str:
    return "" if account == DEFAULT_ACCOUNT else f"_{account.upper()}"


def _key_of(account: str, suffix: str, environment: Mapping[str, str], ask: Callable[[str], str] | None) -> str:
    if key := environment.get(f"SMMPLUS_API_KEY{suffix}", "").strip():
        return key
    if file := environment.get(f"SMMPLUS_API_KEY_FILE{suffix}"):
        return _read_key(Path(file), f"SMMPLUS_API_KEY_FILE{suffix}")
    if ask is not None:
        with suppress(EOFError):  # Ctrl-D: no key
            return ask(f"API key of account {account!r} (it is not shown): ").strip()
    raise ConfigurationError(
        f"there is no API key for account {account!r}: set SMMPLUS_API_KEY{suffix}, or SMMPLUS_API_KEY_FILE{suffix} "
        "to the path of a file that holds it"
    )


def _read_key(path: Path, setting: str) -> str:
    """Read a key file. Messages do not repeat the setting: it may be the key itself, put into the wrong variable."""
    try:
        return path.expanduser().read_text(encoding="utf-8").strip()
    except RuntimeError:  # expanduser's
        raise ConfigurationError(f"{setting} names a file of a user that does not exist") from None
    except (OSError, ValueError) as error:
        reason = getattr(error, "strerror", None) or "it is not text"
        raise ConfigurationError(
            f"{setting} must name a file that holds the key; it cannot be read: {reason}"
        ) from None


def prompt_for_key() -> Callable[[str], str] | None:
    """Return the function that asks for the key, or None without a terminal."""
    return getpass.getpass if sys.stdin.isatty() and sys.stderr.isatty() else None
