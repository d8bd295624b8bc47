"""A client of Airflow's REST API."""

import json
from typing import Any
from urllib.error import HTTPError
from urllib.request import Request

from tenacity import retry, retry_if_exception, stop_after_attempt, wait_fixed

from airflow_demo.components import OPENER, Home


class Api:
    """Calls of the REST API. Paths begin after `/api/v2`. The answer of Airflow is a note of an HTTPError."""

    def __init__(self, home: Home) -> None:
        self._home = home
        self._token = ""

    def get(self, path: str) -> Any:  # noqa: ANN401 (as it comes)
        """Return a resource."""
        return self._ask("GET", f"/api/v2{path}")

    def post(self, path: str, body: object) -> Any:  # noqa: ANN401
        """Create a resource, or run an action."""
        return self._ask("POST", f"/api/v2{path}", body)

    def patch(self, path: str, body: object) -> Any:  # noqa: ANN401
        """Change a resource."""
        return self._ask("PATCH", f"/api/v2{path}", body)

    def dag_ids(self) -> set[str]:
        """Return the IDs of the DAGs that Airflow has parsed."""
        return {dag["dag_id"] for dag in self.get("/dags?limit=100")["dags"]}

    # Airflow's SQLite database is locked at times while its components start: the same connection may be put again.
    @retry(
        retry=retry_if_exception(lambda error: isinstance(error, HTTPError) and error.code >= 500),
        stop=stop_after_attempt(10),
        wait=wait_fixed(3),
        reraise=True,
    )
    def put_connection(self, conn_id: str, **fields: object) -> None:
        """Create or replace a connection."""
        body = {"connection_id": conn_id, **fields}
        try:
            self.post("/connections", body)
        except HTTPError as error:
            if error.code != 409:
                raise
            self.patch(f"/connections/{conn_id}", body)

    def _ask(self, method: str, path: str, body: object = None) -> Any:  # noqa: ANN401
        headers = {"Content-Type": "application/json", "Accept": "application/json"}
        if path != "/auth/token":
            headers["Authorization"] = f"Bearer {self._logged_in()}"
        data = None if body is None else json.dumps(body).encode()
        request = Request(self._home.address + path, data=data, method=method, headers=headers)  # noqa: S310 (loopback)
        try:
            with OPENER.open(request, timeout=60) as answer:
                return json.load(answer)
        except HTTPError as error:
            error.add_note(error.read().decode())
            raise

    def _logged_in(self) -> str:
        if not self._token:
            login = {"username": self._home.user, "password": self._home.password}
            self._token = self._ask("POST", "/auth/token", login)["access_token"]
        return self._token
