"""The key of the order that a task places: the same for every try, another for every run and every mapped element.

The key of a mapped task's order contains what it orders, and not its map_index: if the list is expanded again, another
element may be at that index.
"""

from collections.abc import Callable, Iterable, Iterator
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, cast
from urllib.parse import quote

from airflow_provider_smmplus.utils.arguments import name_of
from smmplus.errors import ConfigurationError, JournalConflictError

if TYPE_CHECKING:
    from airflow.sdk import BaseOperator, Context

    from airflow_provider_smmplus.utils.connection import StateStore

UNMAPPED = -1

REMEMBERED = "smmplus_order"
"""The key in a task's state store for what it ordered, and how many tries it had then."""


@dataclass(frozen=True, slots=True)
class TaskName:
    """A task instance without its try number: a retry is the same order."""

    dag_id: str
    run_id: str
    task_id: str
    map_index: int = UNMAPPED

    @property
    def source(self) -> str:
        """The source of an order in the journal."""
        mapped = "" if self.map_index == UNMAPPED else f" [{self.map_index}]"
        return f"{self.dag_id} {self.task_id} {self.run_id}{mapped}"

    def batch(self, path: str) -> str:
        """Return the batch of a sheet: the same for all tasks of a DAG run, and all their tries."""
        return f"{self.dag_id} {self.run_id} {path}"


def order_key(task: TaskName, own: object = None) -> str:
    """Return the key of a task's order in the journal.

    By default it is made of dag_id, run_id, task_id and map_index; for mapped tasks see `element_key`. A key from the
    DAG's author replaces run and index. It is prefixed with dag and task, so that two tasks never share an order. Raise
    ConfigurationError if its template rendered nothing: all runs would be one order.
    """
    if own is None:
        return "|".join(map(quoted, (task.dag_id, task.run_id, task.task_id, str(task.map_index))))
    # Three parts, while a run's key has four: one is never the other.
    return "|".join(map(quoted, (task.dag_id, task.task_id, name_of(own, "the key"))))


def element_key(task: TaskName, fingerprint: str, nth: int) -> str:
    """Return the key of a mapped task's order: what it orders, and its number among equal elements, from 1."""
    return f"{prefix_of(task)}{fingerprint[:16]}-{nth}"


def prefix_of(task: TaskName) -> str:
    """Return the prefix of the keys of all elements of a mapped task, and of no other task."""
    return "|".join(map(quoted, (task.dag_id, task.run_id, task.task_id))) + "|"


def quoted(text: str) -> str:
    """Quote a part of a key: different parts never make the same key, and none contains the "/" of "campaign/key"."""
    return quote(text, safe=":+ ")


class HiddenElementsError(Exception):
    """The other elements cannot be rendered: what they order comes from tasks that run in parallel."""


def before(context: "Context") -> "Iterator[BaseOperator]":
    """Yield the rendered elements before a mapped task's own, in order. Raise HiddenElementsError if it cannot."""
    instance = context["ti"]
    task = context["dag"].task_dict.get(instance.task_id)
    if task is None or not getattr(task, "is_mapped", False):
        raise HiddenElementsError(f"{instance.task_id} is not mapped itself")
    pulled: dict[str, Any] = {}
    for index in range(instance.map_index or 0):
        other = _Element(instance, index, pulled)
        try:
            there = {**context, "ti": other, "task_instance": other}
            task.render_template_fields(cast("Context", there))
        except HiddenElementsError:
            raise
        except Exception as error:  # whatever a template or an XCom backend raises
            raise HiddenElementsError(f"element {index} of {instance.task_id} cannot be rendered: {error}") from error
        yield other.task


class _Element:
    """The task instance of another element of the same mapped task, for its templates."""

    def __init__(self, instance: Any, map_index: int, pulled: dict[str, Any]) -> None:  # noqa: ANN401 (Airflow's)
        self._instance, self._pulled = instance, pulled
        self.map_index = map_index
        self.task: Any = instance.task

    def __getattr__(self, name: str) -> Any:  # noqa: ANN401 (Airflow's)
        return getattr(self._instance, name)

    def xcom_pull(self, *arguments: Any, **options: Any) -> Any:  # noqa: ANN401 (Airflow's)
        """Pull an XCom once for all elements; not from the same mapped task group, where it may not exist yet."""
        asked = repr((arguments, options))
        if asked not in self._pulled:
            self._refuse_parallel(arguments[0] if arguments else options.get("task_ids"))
            self._pulled[asked] = self._instance.xcom_pull(*arguments, **options)
        return self._pulled[asked]

    def _refuse_parallel(self, task_ids: Any) -> None:  # noqa: ANN401 (whatever a template gives)
        own = self.task.get_closest_mapped_task_group()
        for task_id in [task_ids] if isinstance(task_ids, str) else task_ids or ():
            group = self._instance.task.dag.get_task(task_id).get_closest_mapped_task_group()
            if own is not None and group is own:
                raise HiddenElementsError(f"the results of {task_id} for the other elements may not exist yet")


def nth(context: "Context", own: object, orders: "Callable[[Any], object]") -> int:
    """Return the number of a mapped task among equal elements, from 1. `orders` returns what an element orders.

    An element with invalid arguments equals none.
    """
    count = 1
    for task in before(context):
        try:
            count += orders(task) == own
        except ConfigurationError:
            continue
    return count


def key_of_element(task: TaskName, fingerprint: str, known: Iterable[str], nth: Callable[[], int]) -> str:
    """Return the key of a mapped task's order in the journal.

    `known` are the keys of the task's orders with this content. Keys made of a map_index come first, in its order. If
    the other elements cannot be rendered, the map_index is all that is known. Then JournalConflictError is raised if
    another index has ordered the same: it may be the same element, moved.
    """
    by_index = sorted((key for key in known if map_index_of(key) >= 0), key=map_index_of)
    try:
        number = nth()
    except HiddenElementsError as reason:
        own = order_key(task)
        if own not in by_index and (others := sorted(known)):
            raise JournalConflictError(
                f"another element of this mapped task placed an equal order ({others[0]}). It may be this element, "
                f"moved in its list ({reason}), so nothing was sent. Give each element an order_key"
            ) from None
        return own
    return by_index[number - 1] if number <= len(by_index) else element_key(task, fingerprint, number)


def map_index_of(key: str) -> int:
    """Return the map_index in a key; -1 for a key made of what is ordered."""
    index = key.rpartition("|")[2]
    return int(index) if index.isdigit() else -1


def must_order_the_same(store: "StateStore", tries: int, fingerprint: str, *, is_new: bool, for_ever: object) -> None:
    """Store what a mapped task orders, and check that an automatic retry orders the same.

    `tries` grows only when a person clears the task. Raise JournalConflictError if a retry would place another new
    order: an element whose template renders differently at each try would be ordered at each try.
    """
    kept, now = str(store.get(REMEMBERED) or ""), f"{tries} {fingerprint}"
    if is_new and kept != now and kept.startswith(f"{tries} "):
        raise JournalConflictError(
            "this retry would order something else than the try before it, so nothing was sent. Templates must render "
            "the same at each try. If the change is intended, clear the task, or give it an order_key"
        )
    store.set(REMEMBERED, now, retention=for_ever)
