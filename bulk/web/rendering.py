"""Renders templates. Every text in them is escaped, and in the language of the visitor."""

from collections.abc import Mapping
from functools import cache
from importlib.resources import files
from typing import Any

from jinja2 import Environment, FunctionLoader, StrictUndefined
from starlette.requests import Request
from starlette.responses import FileResponse, HTMLResponse, RedirectResponse, Response

from smmplus.commands import local_time
from smmplus.orders.decimals import money, plain
from smmplus.texts import _, counted, language

LANGUAGE_COOKIE = "smmplus_language"


def language_of(request: Request) -> str:
    """Return the language that a visitor chose, or else that of their browser."""
    chosen = request.cookies.get(LANGUAGE_COOKIE, "")
    if chosen in {"en", "id"}:
        return chosen
    wanted = request.headers.get("accept-language", "").lower()
    places = {name: wanted.find(name) for name in ("id", "en") if wanted.startswith(name) or f",{name}" in wanted}
    return min(places, key=lambda name: places[name], default=language() or "en")


def path_to(request: Request, name: str, /, **values: str) -> str:
    """Return the address of a route, below wherever the application is mounted."""
    return f"{request.scope.get('root_path', '').rstrip('/')}{request.app.url_path_for(name, **values)}"


def page(request: Request, template: str, status: int = 200, **values: Any) -> Response:
    """Return a page."""
    return HTMLResponse(render(request, template, **values), status)


def part(request: Request, template: str, **values: Any) -> str:
    """Return a part of a page."""
    return render(request, template, **values)


def message_page(request: Request, title: str, words: str, *, status: int) -> Response:
    """Return a page with a message."""
    return page(request, "message.html.j2", status, title=title, words=words)


def redirect(request: Request, name: str, /, **values: str) -> Response:
    """Send the browser to a page after it changed something."""
    return RedirectResponse(path_to(request, name, **values), 303)


def download_of(data: bytes, name: str) -> Response:
    """Send a file under a name of any language."""
    named = FileResponse(__file__, filename=name)
    disposition = named.headers["content-disposition"]
    return Response(data, media_type="application/octet-stream", headers={"content-disposition": disposition})


def render(request: Request, template: str, **values: Any) -> str:
    """Fill in a template."""
    user = request.scope.get("user")
    lang = "id" if language().lower().startswith("id") else "en"
    about: Mapping[str, Any] = {
        "to": lambda name, **given: path_to(request, name, **given),
        "static": lambda name: path_to(request, "static", path=f"/{name}"),
        "user": user,
        "can_log_out": getattr(request.app.state, "can_log_out", False),
        "language": lang,
        "path": request.scope["path"].removeprefix(request.scope.get("root_path", "")),
    }
    return _environment().get_template(template).render({**about, **values})


@cache
def _environment() -> Environment:
    made = Environment(
        loader=FunctionLoader(_source),
        autoescape=True,
        undefined=StrictUndefined,
        trim_blocks=True,
        lstrip_blocks=True,
    )
    made.globals.update({"_": _, "counted": counted, "money": money, "plain": plain, "local_time": local_time})
    return made


def _source(name: str) -> str:
    return files("bulk.web").joinpath("templates", name).read_text("utf-8")
