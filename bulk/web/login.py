"""Logging in to the page on a computer, and out."""

from starlette.concurrency import run_in_threadpool
from starlette.requests import Request
from starlette.responses import Response
from starlette.routing import Route

from bulk.web.access import Access
from bulk.web.rendering import page, redirect
from smmplus.texts import _


def login_routes(access: Access) -> tuple[Route, ...]:
    """Return the routes that are open to strangers."""

    def show(request: Request) -> Response:
        return page(request, "login.html.j2", with_passwords=bool(access.passwords), message="")

    async def log_in(request: Request) -> Response:
        async with request.form(max_files=0, max_fields=5) as form:
            name, password = str(form.get("name", "")), str(form.get("password", ""))
        answer = await run_in_threadpool(access.log_in, request, name, password)
        words = _("The name or the password is wrong.")
        return answer or page(request, "login.html.j2", 403, with_passwords=bool(access.passwords), message=words)

    return (Route("/login", show, name="login"), Route("/login", log_in, methods=["POST"]))


def logout_route(access: Access) -> Route:
    """Return the route that ends a session."""

    def log_out(request: Request) -> Response:
        access.log_out(request)
        return redirect(request, "login")

    return Route("/logout", log_out, methods=["POST"], name="logout")
