"""Who may see the page on a computer: whoever has the link that the terminal shows, or a name and a password.

A link is good for one browser. Passwords are in a file, as hashes by scrypt.
"""

import base64
import hashlib
import hmac
import re
import secrets
import threading
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from pathlib import Path

from starlette.requests import Request
from starlette.responses import RedirectResponse, Response

from bulk.web.home import User
from smmplus.errors import ConfigurationError
from smmplus.texts import _

COOKIE = "smmplus_session"

_COST, _BLOCK, _LANES = 1 << 15, 8, 1
"""Of scrypt: 32 MiB and a tenth of a second for each try."""
_MEMORY = 64 << 20
_HASH = re.compile(r"scrypt\$([0-9]{1,7})\$([0-9]{1,2})\$([0-9]{1,2})\$[A-Za-z0-9+/]{22}==\$[A-Za-z0-9+/]{86}==")


def hash_of(password: str, salt: bytes | None = None) -> str:
    """Return the hash of a password, as it stands in a password file."""
    salt = secrets.token_bytes(16) if salt is None else salt
    made = hashlib.scrypt(password.encode(), salt=salt, n=_COST, r=_BLOCK, p=_LANES, maxmem=_MEMORY)
    return f"scrypt${_COST}${_BLOCK}${_LANES}${base64.b64encode(salt).decode()}${base64.b64encode(made).decode()}"


def is_password(password: str, kept: str) -> bool:
    """Return whether a password is that of a hash."""
    _name, cost, block, lanes, salt, wanted = kept.split("$")
    made = hashlib.scrypt(
        password.encode(), salt=base64.b64decode(salt), n=int(cost), r=int(block), p=int(lanes), maxmem=_MEMORY
    )
    return hmac.compare_digest(made, base64.b64decode(wanted))


def read_passwords(path: Path) -> dict[str, str]:
    """Read a file with a line `NAME:HASH` for each person. Raises ConfigurationError if it is something else."""
    try:
        lines = path.read_text("utf-8").splitlines()
    except (OSError, ValueError) as error:
        raise ConfigurationError(_("{path} cannot be read: {error}", path=path, error=error)) from error
    found: dict[str, str] = {}
    for number, line in enumerate(lines, 1):
        name, _colon, kept = line.strip().rpartition(":")
        if name and _is_hash(kept):
            found[name] = kept
        elif line.strip():
            raise ConfigurationError(
                _(
                    "{path}, line {line}: it must be NAME:HASH, as `smmplus serve --passwords {path} --add-user NAME` "
                    "writes it",
                    path=path,
                    line=number,
                )
            )
    if not found:
        raise ConfigurationError(_("{path} has no passwords", path=path))
    return found


def _is_hash(text: str) -> bool:
    found = _HASH.fullmatch(text)
    if found is None:
        return False
    cost, block, lanes = map(int, found.groups())
    return cost > 1 and cost.bit_count() == 1 and 0 < 128 * cost * block * lanes < _MEMORY


@dataclass
class Access:
    """The sessions of visitors. They end with the server.

    Without passwords, a visitor comes with a one-time link.
    """

    passwords: Mapping[str, str] = field(default_factory=dict)
    """Name -> hash."""
    on_used: Callable[[str], None] = lambda _link: None
    """Called with a new link token whenever one was used."""
    link_token: str = field(default_factory=lambda: secrets.token_urlsafe(32))
    _sessions: dict[str, User] = field(default_factory=dict)
    _one_at_a_time: threading.Lock = field(default_factory=threading.Lock)

    def user_of(self, request: Request) -> User | None:
        """Return who a visitor is; None for a stranger."""
        return self._sessions.get(request.cookies.get(COOKIE, ""))

    def refuse(self, request: Request) -> Response:
        """Let a stranger in who has a link, and send others to where they log in."""
        root = request.scope.get("root_path", "")
        given = request.query_params.get("token", "")
        if given and not self.passwords:
            with self._one_at_a_time:
                is_right = hmac.compare_digest(given.encode(), self.link_token.encode())
                if is_right:
                    self.link_token = secrets.token_urlsafe(32)
            if is_right:
                self.on_used(self.link_token)
                return self._welcome(request, "local")
        return RedirectResponse(f"{root}/login", 303)

    def log_in(self, request: Request, name: str, password: str) -> Response | None:
        """Open a session for a person; None if the password is wrong. Tries wait for each other."""
        unknown = hash_of("", b"salt of nobody") if name not in self.passwords else ""
        with self._one_at_a_time:
            is_right = is_password(password, self.passwords.get(name, unknown)) and name in self.passwords
        return self._welcome(request, name) if is_right else None

    def log_out(self, request: Request) -> None:
        """End a session."""
        self._sessions.pop(request.cookies.get(COOKIE, ""), None)

    def _welcome(self, request: Request, name: str) -> Response:
        session = secrets.token_urlsafe(32)
        self._sessions[session] = User(name, secrets.token_urlsafe(32))
        answer = RedirectResponse(f"{request.scope.get('root_path', '')}/", 303)
        is_secure = request.url.scheme == "https"
        answer.set_cookie(COOKIE, session, httponly=True, samesite="lax", secure=is_secure, path="/")
        return answer
