"""Accounts of this user: where the API key and the panel address of each come from.

Environment variables come first, then what `smmplus login` kept. A kept key is in the platform's keychain, or in a file
that only its owner can read. The panel addresses, the default account and where each key is are in a settings file next
to it, which has no secret. The key is never an option: process lists and shell histories show arguments.
"""

import getpass
import json
import os
import re
import sys
from collections.abc import Callable, Mapping
from contextlib import suppress
from dataclasses import asdict, dataclass, field, replace
from pathlib import Path
from typing import Any, BinaryIO

from platformdirs import user_data_path

from bulk.files.atomic_write import write_atomically
from smmplus import commands
from smmplus.api.panel import DEFAULT_URL, Panel
from smmplus.commands import command
from smmplus.errors import ConfigurationError
from smmplus.texts import _

DEFAULT_ACCOUNT = "default"

FORMAT = "accounts of smmplus, version 1"
_LARGEST = 1 << 20
"""Bytes of either file; an account takes about 100."""
_SERVICE = "smmplus"
"""Under this name and the account's name, a keychain has a key."""


@dataclass(frozen=True, slots=True)
class Kept:
    """What was kept of an account."""

    url: str = ""
    key_in: str = ""
    """Where its key is: "keychain", "file", or "" if none is kept."""


@dataclass(frozen=True, slots=True)
class Settings:
    """The settings file."""

    default: str = DEFAULT_ACCOUNT
    """The account of commands without `--account`."""
    accounts: Mapping[str, Kept] = field(default_factory=dict)


def account_named(name: str) -> str:
    """Return the one spelling of an account's name: `shop_2` for "Shop 2", which has the same settings.

    If the journal took them for two accounts, a sheet could be ordered for each.
    """
    return re.sub(r"[^A-Z0-9]+", "_", name.upper()).lower()


def default_account(environment: Mapping[str, str]) -> str:
    """Return the account of commands that name none. A key in `SMMPLUS_API_KEY` is that of the account `default`."""
    return DEFAULT_ACCOUNT if _variable(DEFAULT_ACCOUNT, environment) else read_settings().default


commands.default_account = lambda: default_account(os.environ)


def known_accounts(environment: Mapping[str, str]) -> list[str]:
    """Return the names of the accounts that have a kept setting, or a key in the environment."""
    found = [re.fullmatch(r"SMMPLUS_API_KEY(?:_FILE)?(?:_([A-Z0-9_]+))?", name) for name in environment]
    named = [account_named(each[1] or DEFAULT_ACCOUNT) for each in found if each]
    return sorted({*read_settings().accounts, *(name for name in named if _variable(name, environment))})


def panel_of(account: str, environment: Mapping[str, str], *, ask: Callable[[str], str] | None = None) -> Panel:
    """Return an account's panel with its key.

    The default account is set by `SMMPLUS_API_KEY` or `SMMPLUS_API_KEY_FILE`, and `SMMPLUS_API_URL`. An account named
    shop is set by the same names followed by `_SHOP`. A named account never uses the default account's key: its orders
    would be booked under the wrong name. If no key is set or kept, `ask` is called for it.
    """
    account = account_named(account)
    return Panel(key=_key_of(account, environment, ask), url=url_of(account, environment))


def url_of(account: str, environment: Mapping[str, str]) -> str:
    """Return the URL of an account's panel. No key is needed for it."""
    account = account_named(account)
    set_to = environment.get(f"SMMPLUS_API_URL{_suffix(account)}") or environment.get("SMMPLUS_API_URL")
    return (set_to or read_settings().accounts.get(account, Kept()).url or DEFAULT_URL).rstrip("/")


def key_source(account: str, environment: Mapping[str, str]) -> str:
    """Return where an account's key comes from, for a message; "" if there is none."""
    account = account_named(account)
    if variable := _variable(account, environment):
        is_file = variable.startswith("SMMPLUS_API_KEY_FILE")
        return _("the file that {variable} names", variable=variable) if is_file else variable
    return kept_in(account)


def kept_in(account: str) -> str:
    """Return where the key of an account is kept, for a message; "" if it is not."""
    key_in = read_settings().accounts.get(account, Kept()).key_in
    if key_in == "keychain":
        return _("your keychain")
    return str(credentials_path()) if key_in == "file" else ""


def _suffix(account: str) -> str:
    return "" if account == DEFAULT_ACCOUNT else f"_{account.upper()}"


def _variable(account: str, environment: Mapping[str, str]) -> str:
    """Return the variable with an account's key, or with the path of its file; "" if neither is set."""
    names = (f"SMMPLUS_API_KEY{_suffix(account)}", f"SMMPLUS_API_KEY_FILE{_suffix(account)}")
    return next((name for name in names if environment.get(name, "").strip()), "")


def _key_of(account: str, environment: Mapping[str, str], ask: Callable[[str], str] | None) -> str:
    key, file = (f"SMMPLUS_API_KEY{each}{_suffix(account)}" for each in ("", "_FILE"))
    if variable := _variable(account, environment):
        return environment[key].strip() if variable == key else _read_key(Path(environment[file]), file)
    if kept := read_settings().accounts.get(account, Kept()).key_in:
        return _kept_key(account, kept)
    if ask is not None:
        with suppress(EOFError):  # Ctrl-D: no key
            return ask(_("API key of account {account!r} (it is not shown): ", account=account)).strip()
    raise ConfigurationError(
        _(
            "there is no API key for account {account!r}: run `{command}`, or set {key}, or {file} to the path of a "
            "file that holds it",
            account=account,
            command=command("login", account=account),
            key=key,
            file=file,
        )
    )


def _read_key(path: Path, setting: str) -> str:
    """Read a key file. Messages do not repeat the setting: it may be the key itself, put into the wrong variable."""
    try:
        return path.expanduser().read_text(encoding="utf-8").strip()
    except RuntimeError:  # expanduser's
        raise ConfigurationError(_("{setting} names a file of a user that does not exist", setting=setting)) from None
    except (OSError, ValueError) as error:
        reason = getattr(error, "strerror", None) or _("it is not text")
        raise ConfigurationError(
            _(
                "{setting} must name a file that holds the key; it cannot be read: {reason}",
                setting=setting,
                reason=reason,
            )
        ) from None


def prompt_for_key() -> Callable[[str], str] | None:
    """Return the function that asks for the key, or None without a terminal."""
    return getpass.getpass if sys.stdin.isatty() and sys.stderr.isatty() else None


def settings_path() -> Path:
    """Return the path of the settings file, in the folder of the user's own journal."""
    return user_data_path("smmplus") / "accounts.json"


def credentials_path() -> Path:
    """Return the path of the file with the keys that no keychain took."""
    return user_data_path("smmplus") / "credentials"


def read_settings() -> Settings:
    """Read the settings file; all defaults if there is none.

    :raises ConfigurationError: if it cannot be read, or :func:`keep` did not write it.
    """
    path = settings_path()
    try:
        document = json.loads(_bytes_of(path))
        kept = {account_named(name): Kept(**values) for name, values in document["accounts"].items()}
        texts = [document["default"], *(text for each in kept.values() for text in (each.url, each.key_in))]
        if document["format"] != FORMAT or not all(isinstance(text, str) for text in texts):
            raise ValueError  # noqa: TRY301 (one message for all that is wrong with it)
    except FileNotFoundError:
        return Settings()
    except (ValueError, LookupError, TypeError, AttributeError, RecursionError):
        raise ConfigurationError(
            _(
                "{path} was not written by smmplus: delete it, and run `smmplus login` again for each account",
                path=path,
            )
        ) from None
    return Settings(account_named(document["default"]), kept)


def keep(account: str, *, url: str | None = None, default: bool = False) -> None:
    """Keep the panel address of an account, or that it is the default one."""
    settings = read_settings()
    changed = settings.accounts.get(account, Kept())
    changed = changed if url is None else replace(changed, url=url)
    _write_settings(Settings(account if default else settings.default, {**settings.accounts, account: changed}))


def keep_key(account: str, key: str) -> None:
    """Keep an account's key in the keychain; where that does not work, in a file that only its owner can read."""
    settings = read_settings()
    kept = settings.accounts.get(account, Kept())
    key_in = "keychain" if _put_into_keychain(account, key) else "file"
    if "file" in {key_in, kept.key_in}:
        _change_credentials(account, key if key_in == "file" else None)
    _write_settings(replace(settings, accounts={**settings.accounts, account: replace(kept, key_in=key_in)}))


def forget_key(account: str) -> None:
    """Remove an account's kept key. Its panel address stays.

    :raises ConfigurationError: if none is kept, or the keychain does not remove it.
    """
    settings = read_settings()
    kept = settings.accounts.get(account, Kept())
    if kept.key_in == "keychain":
        _remove_from_keychain(account)
    elif kept.key_in == "file":
        _change_credentials(account, None)
    else:
        raise ConfigurationError(
            _("no API key of account {account!r} is kept. To list all accounts: smmplus account", account=account)
        )
    _write_settings(replace(settings, accounts={**settings.accounts, account: replace(kept, key_in="")}))


def rename(account: str, new: str, environment: Mapping[str, str]) -> None:
    """Move what is kept of an account to another name.

    :raises ConfigurationError: if the name is empty or has something kept already, or a variable has the old name.
    """
    settings = read_settings()
    if not new:
        raise ConfigurationError(_("the new name is empty"))
    own = [f"SMMPLUS_API_{each}{_suffix(account)}" for each in ("KEY", "KEY_FILE", "URL")]
    for variable in own[: 2 if account == DEFAULT_ACCOUNT else 3]:
        if environment.get(variable):
            raise ConfigurationError(
                _(
                    "{variable} is set, which is for account {account!r}: rename the variable first",
                    variable=variable,
                    account=account,
                )
            )
    if new in settings.accounts:
        raise ConfigurationError(
            _("account {account!r} already exists. To list all accounts: smmplus account", account=new)
        )
    kept = settings.accounts.get(account, Kept())
    if kept.key_in:
        keep_key(new, _kept_key(account, kept.key_in))
        forget_key(account)
    others = {name: each for name, each in read_settings().accounts.items() if name != account}
    moved = replace(others.get(new, Kept()), url=kept.url)
    _write_settings(Settings(new if settings.default == account else settings.default, {**others, new: moved}))


def _kept_key(account: str, key_in: str) -> str:
    again = command("login", account=account)
    if key_in == "file":
        if key := _credentials().get(account):
            return key
        raise ConfigurationError(
            _(
                "{path} no longer has the API key of account {account!r}: run `{command}` again",
                path=credentials_path(),
                account=account,
                command=again,
            )
        )
    key = None
    with suppress(Exception):  # backends raise whatever their libraries raise
        key = _keychain().get_password(_SERVICE, account)
    if key is None:
        raise ConfigurationError(
            _(
                "your keychain does not return the API key of account {account!r}: unlock the keychain, or run "
                "`{command}` again",
                account=account,
                command=again,
            )
        )
    return str(key)


def _keychain() -> Any:  # noqa: ANN401 (keyring's KeyringBackend, which is not imported before it is needed)
    """Return the platform's keychain: the first backend that is one. keyrings.alt has files without encryption."""
    import keyring  # noqa: PLC0415 -- a command with its key in the environment needs none of it

    found: Any = keyring.get_keyring()
    none = ("keyring.backends.fail", "keyring.backends.null", "keyrings.alt")
    chain = getattr(found, "backends", [found])
    return next(each for each in chain if not type(each).__module__.startswith(none))


def _put_into_keychain(account: str, key: str) -> bool:
    with suppress(Exception):  # backends raise whatever their libraries raise
        keychain = _keychain()
        keychain.set_password(_SERVICE, account, key)
        return bool(keychain.get_password(_SERVICE, account) == key)
    return False


def _remove_from_keychain(account: str) -> None:
    try:
        keychain = _keychain()
        if keychain.get_password(_SERVICE, account) is not None:
            keychain.delete_password(_SERVICE, account)
    except Exception:  # noqa: BLE001 (backends raise whatever their libraries raise)
        raise ConfigurationError(
            _(
                "your keychain does not remove the API key of account {account!r}: unlock the keychain, or delete its "
                "entry {entry!r} there",
                account=account,
                entry=_SERVICE,
            )
        ) from None


def _credentials() -> dict[str, str]:
    path = credentials_path()
    try:
        document = json.loads(_bytes_of(path, secret=True))
        if isinstance(document, dict) and all(isinstance(key, str) for key in document.values()):
            return document
    except FileNotFoundError:
        return {}
    except (ValueError, RecursionError):
        pass  # the error would have the content
    raise ConfigurationError(
        _("{path} was not written by smmplus: delete it, and run `smmplus login` again", path=path)
    )


def _bytes_of(path: Path, *, secret: bool = False) -> bytes:
    try:
        with path.open("rb") as file:
            mode = os.fstat(file.fileno()).st_mode
            if secret and os.name == "posix" and mode & 0o077:
                raise ConfigurationError(
                    _(
                        "{path} has API keys, and others can read it: run `chmod 600 {path}`. If others did read it, "
                        "get a new API key from the panel",
                        path=path,
                    )
                )
            return file.read(_LARGEST)
    except FileNotFoundError:
        raise
    except OSError as error:
        raise ConfigurationError(_("{path} cannot be read: {error}", path=path, error=error.strerror)) from error


def _change_credentials(account: str, key: str | None) -> None:
    others = {name: each for name, each in _credentials().items() if name != account}
    _write(credentials_path(), others | ({} if key is None else {account: key}))


def _write_settings(settings: Settings) -> None:
    accounts = {name: asdict(kept) for name, kept in sorted(settings.accounts.items())}
    _write(settings_path(), {"format": FORMAT, "default": settings.default, "accounts": accounts})


def _write(path: Path, document: Mapping[str, object]) -> None:
    text = json.dumps(document, indent=2) + "\n"

    def write(out: BinaryIO) -> None:
        out.write(text.encode())

    try:
        path.parent.mkdir(parents=True, exist_ok=True)
    except OSError as error:
        raise ConfigurationError(_("{path} cannot be made: {error}", path=path.parent, error=error.strerror)) from error
    write_atomically(path, write, mode_of=None)
