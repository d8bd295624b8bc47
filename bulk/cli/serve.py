"""`smmplus serve`: a page for people who have spreadsheets."""

import getpass
import socket
import webbrowser
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from pathlib import Path
from types import FrameType
from typing import TYPE_CHECKING, Annotated

import typer
from platformdirs import user_data_path

from bulk.cli import options as given
from bulk.cli.error_handling import failing
from bulk.cli.tables import WARNING, console
from smmplus.errors import ConfigurationError
from smmplus.texts import _

if TYPE_CHECKING:
    from bulk.web.access import Access
    from bulk.web.local_home import LocalHome

LOCAL = ("127.0.0.1", "localhost", "::1")


@failing
def serve(
    host: Annotated[
        str,
        typer.Option(
            "--host", help="Address to listen on; others than this computer's need --passwords.", metavar="ADDRESS"
        ),
    ] = "127.0.0.1",
    port: Annotated[
        int, typer.Option("--port", help="Port to listen on; 0 for a free one.", metavar="PORT", min=0, max=65535)
    ] = 8080,
    passwords: Annotated[
        Path | None,
        typer.Option("--passwords", help="File with the names and password hashes of users.", metavar="FILE"),
    ] = None,
    add_user: Annotated[
        str | None, typer.Option("--add-user", help="Add a user to the --passwords file, and end.", metavar="NAME")
    ] = None,
    folder: Annotated[
        Path | None, typer.Option("--folder", help="Folder for uploaded sheets.", metavar="FOLDER")
    ] = None,
    four_eyes: Annotated[
        bool, typer.Option("--four-eyes", help="Two users must approve a sheet before it is placed.")
    ] = False,
    rate: given.Rate = 1.0,
    browser: Annotated[bool, typer.Option("--browser/--no-browser", help="Open the page in the browser.")] = True,
) -> None:
    """Serve a page to upload, approve and place sheets.

    Sheets are checked and placed as `smmplus run` does, by this process. It needs the extra packages of
    airflow-provider-smmplus[web].
    """
    if add_user is not None:
        _add_user(add_user, passwords)
        return
    if host not in LOCAL and passwords is None:
        raise ConfigurationError(
            _("--host {host} lets others reach the page: protect it with --passwords FILE", host=host)
        )
    if four_eyes and passwords is None:
        raise ConfigurationError(_("--four-eyes needs --passwords FILE, which tells users apart"))
    uploads = folder or user_data_path("smmplus") / "uploads"
    home = local_home(uploads, passwords=passwords, approvals_needed=2 if four_eyes else 1, rate=rate)
    serve_page(home, host, port, browser=browser)


def _add_user(name: str, passwords: Path | None) -> None:
    from bulk.web.access import hash_of  # noqa: PLC0415 (needs the extra packages)

    if passwords is None or ":" in name or not name.strip():
        raise ConfigurationError(_("--add-user needs a name without a colon, and --passwords FILE"))
    password = getpass.getpass(_("Password of {name}: ", name=name))
    if len(password) < 8:
        raise ConfigurationError(_("a password needs 8 characters or more"))
    if password != getpass.getpass(_("Again: ")):
        raise ConfigurationError(_("the passwords differ"))
    lines = passwords.read_text("utf-8").splitlines() if passwords.exists() else []
    others = [line for line in lines if line.strip().rpartition(":")[0] != name]
    passwords.touch(mode=0o600)
    passwords.write_text("\n".join([*others, f"{name}:{hash_of(password)}", ""]), "utf-8")
    console().print(_("{name} can log in now.", name=name), markup=False)


def local_home(
    folder: Path, *, passwords: Path | None = None, approvals_needed: int = 1, rate: float = 1.0
) -> "LocalHome":
    """Return the page of this computer, with its uploads in a folder."""
    with _extra_packages():
        from bulk.web.access import Access, read_passwords  # noqa: PLC0415
        from bulk.web.local_home import LocalHome  # noqa: PLC0415
        from bulk.web.uploads import Uploads  # noqa: PLC0415
    folder.mkdir(parents=True, exist_ok=True, mode=0o700)
    access = Access({} if passwords is None else read_passwords(passwords))
    return LocalHome(Uploads(folder), access, approvals_needed=approvals_needed, rate=rate)


@contextmanager
def _extra_packages() -> Iterator[None]:
    try:
        yield
    except ImportError as error:
        raise ConfigurationError(
            _("the page needs more packages ({error}): pip install 'airflow-provider-smmplus[web]'", error=error)
        ) from error


def serve_page(home: "LocalHome", host: str, port: int, *, browser: bool) -> None:
    """Serve the page until Ctrl-C, and then wait for what was sent."""
    with _extra_packages():
        import uvicorn  # noqa: PLC0415 (an extra package)

        from bulk.web.app import create_local_app  # noqa: PLC0415
    app = create_local_app(home, ended=lambda: _say(_("Waiting for what was sent …")))

    class Server(uvicorn.Server):
        def handle_exit(self, sig: int, frame: FrameType | None) -> None:
            is_first = not self.should_exit
            super().handle_exit(sig, frame)
            if is_first:  # the server waits for browsers that follow a job, before the application hears of its end
                home.stop_all()

    server = Server(uvicorn.Config(app, log_level="warning", server_header=False))
    with _listening(host, port) as listening:  # from here on, a browser that is quicker than the server waits
        _show_address(home.access, host, listening.getsockname()[1], browser=browser)
        with suppress(KeyboardInterrupt):  # uvicorn has ended in good order, and raises it again
            server.run(sockets=[listening])


def _listening(host: str, port: int) -> socket.socket:
    family = socket.AF_INET6 if ":" in host else socket.AF_INET
    try:
        return socket.create_server((host, port), family=family)
    except OSError as error:
        raise ConfigurationError(
            _("{host}, port {port}: {error}. Use another one with --port", host=host, port=port, error=error.strerror)
        ) from error


def _show_address(access: "Access", host: str, port: int, *, browser: bool) -> None:
    address = f"http://{f'[{host}]' if ':' in host else host}:{port}"
    if access.passwords:
        _say(_("The page: {link}", link=address))
        if host not in LOCAL:
            _say(_("Passwords and sheets are readable on the way: put a server with TLS in front of it."), WARNING)
    else:
        link = f"{address}/?token={access.link_token}"
        access.on_used = lambda token: _say(_("For another browser: {link}", link=f"{address}/?token={token}"))
        _say(_("The page, for one browser: {link}", link=link))
        if browser:
            webbrowser.open(link)
    _say(_("Press Ctrl-C to stop."))


def _say(words: str, style: str | None = None) -> None:
    console(stderr=True).print(words, style=style, markup=False, soft_wrap=True)
