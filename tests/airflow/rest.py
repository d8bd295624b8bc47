"""Runs of DAGs, as a person starts, clears and watches them."""

import json
import time
from collections.abc import Callable
from dataclasses import dataclass, field
from typing import Any
from urllib.parse import quote

from airflow_demo.rest import Api

PATIENCE = 180.0
"""Seconds that a condition may take on a busy machine before the test fails; nothing waits that long by itself."""


@dataclass(slots=True)
class DagRun:
    """One run of a DAG."""

    api: Api
    dag_id: str
    run_id: str
    conf: dict[str, str] = field(default_factory=dict)

    @property
    def path(self) -> str:
        return f"/dags/{self.dag_id}/dagRuns/{quote(self.run_id, safe='')}"

    def start(self) -> None:
        body = {"dag_run_id": self.run_id, "logical_date": None, "conf": self.conf}
        self.api.post(f"/dags/{self.dag_id}/dagRuns", body)

    @property
    def state(self) -> str:
        return str(self.api.get(self.path)["state"])

    def tasks(self) -> list[dict[str, Any]]:
        found: list[dict[str, Any]] = self.api.get(f"{self.path}/taskInstances")["task_instances"]
        return found

    def task(self, task_id: str = "order") -> dict[str, Any]:
        """Give the one instance of a task."""
        (found,) = (instance for instance in self.tasks() if instance["task_id"] == task_id)
        return found

    def log(self, task_id: str = "order", *, attempt: int, map_index: int = -1) -> str:
        """Give what a try wrote into its log."""
        answer = self.api.get(f"{self.path}/taskInstances/{task_id}/logs/{attempt}?map_index={map_index}")
        return json.dumps(answer["content"])

    def clear(self, *task_ids: str) -> None:
        body = {"dry_run": False, "dag_run_id": self.run_id, "task_ids": task_ids, "only_failed": False}
        self.api.post(f"/dags/{self.dag_id}/clearTaskInstances", body)

    def mark(self, task_id: str, state: str) -> None:
        """Give a task instance a state by hand."""
        self.api.patch(f"{self.path}/taskInstances/{task_id}", {"new_state": state})

    def words(self) -> str:
        """Say where it stands."""
        tasks = [f"{task['task_id']} {task['state']} at try {task['try_number']}" for task in self.tasks()]
        return f"{self.run_id} is {self.state}: {', '.join(tasks)}"

    def ended(self) -> bool:
        return self.state in {"success", "failed"}


def wait_until(condition: Callable[[], bool], what: Callable[[], object] | str) -> None:
    """Wait for something that must come to pass."""
    ends = time.monotonic() + PATIENCE
    while not condition():
        if time.monotonic() > ends:
            raise AssertionError(f"in vain: {what if isinstance(what, str) else what()}")
        time.sleep(0.3)
