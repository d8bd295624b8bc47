"""PURE: who an order is that a task places: the same for every try, another for every run and every mapped element."""

from dataclasses import dataclass
from urllib.parse import quote

from airflow_provider_smmplus.given import name_of

UNMAPPED = -1


@dataclass(frozen=True, slots=True)
class TaskName:
    """Which task instance it is, without the try: a retry is the same order."""

    dag_id: str
    run_id: str
    task_id: str
    map_index: int = UNMAPPED

    @property
    def source(self) -> str:
        """What the journal calls the place that an order comes from."""
        mapped = "" if self.map_index == UNMAPPED else f" [{self.map_index}]"
        return f"{self.dag_id} {self.task_id} {self.run_id}{mapped}"

    def batch(self, path: str) -> str:
        """Name the batch of a sheet: one sheet of one DAG run, whichever task works on it, and however often."""
        return f"{self.dag_id} {self.run_id} {path}"


def order_key(task: TaskName, own: object = None) -> str:
    """Give the key under which the journal knows a task's order.

    By default it is made of dag_id, run_id, task_id and map_index; but see `element_key`. An author's own key replaces
    run and index; it is prefixed with dag and task, so that two tasks never mean each other's order. Raises
    ConfigurationError where a template made nothing of it: all runs would be one order.
    """
    if own is None:
        return "|".join(map(quoted, (task.dag_id, task.run_id, task.task_id, str(task.map_index))))
    # Three parts, where a run's key has four: neither is ever the other.
    return "|".join(map(quoted, (task.dag_id, task.task_id, name_of(own, "the key"))))


def element_key(task: TaskName, fingerprint: str, nth: int) -> str:
    """Give the key of a mapped task's order: what it orders, and the how-manyeth equal element it is, from 1.

    Never its place: where a list is expanded anew, another element stands there.
    """
    return f"{prefix_of(task)}{fingerprint[:16]}-{nth}"


def prefix_of(task: TaskName) -> str:
    """Give what the keys of all elements of a mapped task begin with, and those of no other task."""
    return "|".join(map(quoted, (task.dag_id, task.run_id, task.task_id))) + "|"


def quoted(text: str) -> str:
    """Write a part so that no two sets of parts come to the same key, and none holds the `/` of "campaign/key"."""
    return quote(text, safe=":+ ")
