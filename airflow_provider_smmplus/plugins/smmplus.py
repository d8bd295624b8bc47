"""The plugin: a page in the Airflow UI, for people who have spreadsheets.

Schedulers and workers load plugins too. So the page is imported by its first visitor, in the API server.
"""

import asyncio
from functools import cache
from typing import TYPE_CHECKING

from airflow.plugins_manager import AirflowPlugin

if TYPE_CHECKING:
    from starlette.types import ASGIApp, Receive, Scope, Send

PREFIX = "/smmplus"
"""Where the page is, below the address of the Airflow UI."""


class LazyPage:
    """The page, imported with the first request."""

    async def __call__(self, scope: "Scope", receive: "Receive", send: "Send") -> None:
        """Answer a request."""
        page = await asyncio.to_thread(_page)
        await page(scope, receive, send)


@cache
def _page() -> "ASGIApp":
    from airflow_provider_smmplus.plugins.page import make_page  # noqa: PLC0415 (see above)

    return make_page()


class SmmPlusPlugin(AirflowPlugin):
    """The page, and its entry in the navigation."""

    name = "smmplus"
    fastapi_apps = [{"app": LazyPage(), "url_prefix": PREFIX, "name": "SMM campaigns"}]  # noqa: RUF012 (Airflow's)
    external_views = [  # noqa: RUF012 (Airflow's)
        {
            "name": "SMM campaigns",
            "href": f"{PREFIX.lstrip('/')}/",
            "destination": "nav",
            "url_route": "smm-campaigns",
            "nav_top_level": True,
            "icon": f"{PREFIX.lstrip('/')}/static/icon.svg",
        }
    ]
