"""PURE: who an order is that a task places: the same for every try, another for every run and every mapped element."""

from collections.abc import Callable, Iterable, Iterator
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, cast
from urllib.parse import quote

from airflow_provider_smmplus.utils.arguments import name_of
from smmplus.errors import ConfigurationError, JournalConflictError

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


if TYPE_CHECKING:
    from airflow.sdk import BaseOperator, Context

    from airflow_provider_smmplus.utils.connection import StateStore

REMEMBERED = "smmplus_order"
"""The key of a task's state under which is kept what it ordered, and how many tries it had been given."""


class HiddenElementsError(Exception):
    """The other elements cannot be known: what they order comes from tasks that run beside this one."""


def before(context: "Context") -> "Iterator[BaseOperator]":
    """Render the elements before a mapped task's own, in their order. HiddenElementsError where that cannot be."""
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
    """A task instance seen from another one of the same mapped task: what a template asks it, it answers as itself."""

    def __init__(self, instance: Any, map_index: int, pulled: dict[str, Any]) -> None:  # noqa: ANN401 (Airflow's)
        self._instance, self._pulled = instance, pulled
        self.map_index = map_index
        self.task: Any = instance.task

    def __getattr__(self, name: str) -> Any:  # noqa: ANN401 (Airflow's)
        return getattr(self._instance, name)

    def xcom_pull(self, *arguments: Any, **options: Any) -> Any:  # noqa: ANN401 (Airflow's)
        """Pull an XCom once for all elements. Of a task that is mapped with this one, others may not be there yet."""
        asked = repr((arguments, options))
        if asked not in self._pulled:
            self._refuse_beside(arguments[0] if arguments else options.get("task_ids"))
            self._pulled[asked] = self._instance.xcom_pull(*arguments, **options)
        return self._pulled[asked]

    def _refuse_beside(self, task_ids: Any) -> None:  # noqa: ANN401 (whatever a template gives)
        own = self.task.get_closest_mapped_task_group()
        for task_id in [task_ids] if isinstance(task_ids, str) else task_ids or ():
            group = self._instance.task.dag.get_task(task_id).get_closest_mapped_task_group()
            if own is not None and group is own:
                raise HiddenElementsError(f"what {task_id} gives the other elements may not be there yet")


def nth(context: "Context", own: object, orders: "Callable[[Any], object]") -> int:
    """Tell which of the equal elements a mapped task is, from 1; `orders` says what an element orders.

    An element that can never be ordered equals none.
    """
    count = 1
    for task in before(context):
        try:
            count += orders(task) == own
        except ConfigurationError:
            continue
    return count


def key_of_element(task: TaskName, fingerprint: str, known: Iterable[str], nth: Callable[[], int]) -> str:
    """Give the key under which the journal knows a mapped task's order, or will.

    `known` are the keys of the task's orders with this content. Those that were made of places come first, in their
    order; earlier versions made all of them so. Where the elements are hidden a place is still all that there is:
    JournalConflictError if another place has ordered the same, for it may be the same element, moved.
    """
    places = sorted((key for key in known if place_of(key) >= 0), key=place_of)
    try:
        number = nth()
    except HiddenElementsError as reason:
        own = order_key(task)
        if own not in places and (others := sorted(known)):
            raise JournalConflictError(
                f"an equal order was placed by another element of this mapped task ({others[0]}). Whether this is that "
                f"one, moved in its list, cannot be known here ({reason}), so it was not sent. Give each element an "
                "order_key"
            ) from None
        return own
    return places[number - 1] if number <= len(places) else element_key(task, fingerprint, number)


def place_of(key: str) -> int:
    """Give the map_index that a key was made of; -1 for a key that is made of what is ordered."""
    place = key.rpartition("|")[2]
    return int(place) if place.isdigit() else -1


def must_order_the_same(store: "StateStore", tries: int, fingerprint: str, *, is_new: bool, for_ever: object) -> None:
    """Keep what a mapped task orders; a try that Airflow makes by itself must order nothing else that is new.

    `tries` grows when a person clears the task, and at no other time. Raises JournalConflictError: an element whose
    template gives something else at each try would be ordered at each try.
    """
    kept, now = str(store.get(REMEMBERED) or ""), f"{tries} {fingerprint}"
    if is_new and kept != now and kept.startswith(f"{tries} "):
        raise JournalConflictError(
            "this try orders something else than the try before it: templates must give the same at each try. Nothing "
            "was sent. Clear the task if the change is meant, or give it an order_key"
        )
    store.set(REMEMBERED, now, retention=for_ever)
