"""Tasks that run as a worker runs them: Airflow's own task runner, its messages, and an execution API in memory.

::

    ran = Airflow().run(SmmPlusBalanceOperator(task_id="balance"))
    assert ran.state == "success"
    assert ran.result == {"balance": "100", "currency": "USD"}
"""

import asyncio
import json
import uuid
from collections.abc import Callable
from dataclasses import dataclass, field
from datetime import UTC, datetime
from typing import Any

import httpx
from airflow.sdk import DAG, TaskInstanceState
from airflow.sdk._shared.module_loading import import_string
from airflow.sdk.api.client import Client
from airflow.sdk.api.datamodels._generated import TaskInstance
from airflow.sdk.execution_time.comms import DeferTask
from airflow.sdk.execution_time.supervisor import run_task_in_process
from airflow.sdk.serde import deserialize, serialize

DAG_ID = "campaign"
RUN_ID = "manual__2026-02-03"


@dataclass
class Ran:
    """What came of one try."""

    state: str
    error: BaseException | None
    message: Any
    result: Any
    """What the task returned, as XCom keeps it; None for nothing."""
    xcoms: dict[str, Any]

    @property
    def trigger(self) -> tuple[str, dict[str, Any]]:
        """What the task deferred to: the class and its arguments."""
        assert isinstance(self.message, DeferTask), self
        arguments = deserialize(self.message.trigger_kwargs)
        assert isinstance(arguments, dict)
        return self.message.classpath, arguments


@dataclass
class Airflow:
    """Runs tasks of one DAG, one try at a time; the task state and the XComs are kept as the server keeps them."""

    states: dict[tuple[str, str], Any] = field(default_factory=dict)
    """(task instance, key) -> value of the task state store."""
    stored: list[str] = field(default_factory=list)
    """The paths of what was written into the task state store, in order."""
    max_tries: int = 1
    """Grows when a task is cleared."""
    on_store: Callable[[], None] = lambda: None
    """Called when something is written there, before it is kept."""
    _xcoms: dict[str, Any] = field(default_factory=dict)

    def run(self, make: Callable[..., Any], /, *, run_id: str = RUN_ID, map_index: int = -1, **arguments: Any) -> Ran:
        """Run one try of a task, from its beginning, up to its end or to where it defers."""
        return self._run(make, arguments, run_id, map_index, {})

    def resume(
        self, ran: Ran, make: Callable[..., Any], /, *, run_id: str = RUN_ID, map_index: int = -1, **arguments: Any
    ) -> Ran:
        """Run a deferred task's trigger, made of what was serialized, and go on with its first event."""
        classpath, kwargs = ran.trigger
        trigger = import_string(classpath)(**kwargs)
        event = asyncio.run(anext(trigger.run()))
        after = {
            "next_method": ran.message.next_method,
            "next_kwargs": {**(ran.message.next_kwargs or {}), "event": serialize(event.payload)},
        }
        return self._run(make, arguments, run_id, map_index, after)

    def _run(
        self, make: Callable[..., Any], arguments: dict[str, Any], run_id: str, map_index: int, after: dict[str, Any]
    ) -> Ran:
        with DAG(DAG_ID, schedule=None, start_date=datetime(2026, 1, 1, tzinfo=UTC)):
            task = make(**{"task_id": "task", **arguments})
        self._xcoms = {}
        who = uuid.uuid5(uuid.NAMESPACE_URL, f"{run_id}/{task.task_id}/{map_index}")
        instance = TaskInstance(
            id=who,
            task_id=task.task_id,
            dag_id=DAG_ID,
            run_id=run_id,
            try_number=1,
            map_index=map_index,
            dag_version_id=who,
        )
        api = _Api(self, run_id, after)
        client = Client(base_url=None, dry_run=True, token="", transport=httpx.MockTransport(api.answer))
        ran = run_task_in_process(instance, task, client=client)
        state, result = TaskInstanceState(ran.state).value, self._xcoms.get("return_value")
        return Ran(state, ran.error, ran.msg, result, dict(self._xcoms))


class _Api:
    """The part of Airflow's execution API that a task needs."""

    def __init__(self, airflow: Airflow, run_id: str, after: dict[str, Any]) -> None:
        self._airflow = airflow
        self._run_id = run_id
        self._after = after

    def answer(self, request: httpx.Request) -> httpx.Response:
        what, _, rest = request.url.path.strip("/").partition("/")
        return {"store": self._store, "xcoms": self._xcom, "task-instances": self._instance}.get(what, _nothing)(
            request, rest
        )

    def _store(self, request: httpx.Request, rest: str) -> httpx.Response:
        _, who, key = rest.split("/", 2)
        if request.method == "PUT":
            self._airflow.on_store()
            self._airflow.stored.append(key)
            self._airflow.states[who, key] = json.loads(request.content)["value"]
            return httpx.Response(200, json={})
        if (who, key) not in self._airflow.states:
            return _nothing(request, rest)
        return httpx.Response(200, json={"value": self._airflow.states[who, key]})

    def _xcom(self, request: httpx.Request, rest: str) -> httpx.Response:
        key = rest.rpartition("/")[2]
        if request.method == "POST":
            self._airflow._xcoms[key] = deserialize(json.loads(request.content))
        if key == "slice":  # of all map indexes of another task, none of which is kept
            return httpx.Response(200, json=[])
        if request.method == "GET":
            return httpx.Response(200, json={"key": key, "value": serialize(self._airflow._xcoms.get(key))})
        return httpx.Response(200, json={})

    def _instance(self, _request: httpx.Request, rest: str) -> httpx.Response:
        if not rest.endswith("/run"):
            return httpx.Response(200, json={})
        moment = "2026-02-03T00:00:00Z"
        run = {
            "dag_id": DAG_ID,
            "run_id": self._run_id,
            "logical_date": moment,
            "data_interval_start": moment,
            "data_interval_end": moment,
            "run_after": moment,
            "start_date": moment,
            "end_date": None,
            "run_type": "manual",
            "state": "running",
            "consumed_asset_events": [],
            "partition_key": None,
        }
        return httpx.Response(
            200, json={"dag_run": run, "max_tries": self._airflow.max_tries, "should_retry": True, **self._after}
        )


def _nothing(_request: httpx.Request, _rest: str) -> httpx.Response:
    return httpx.Response(404, json={"detail": {"reason": "not_found", "message": "there is none"}})
