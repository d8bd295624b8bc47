"""The output of `--json-lines`: each event of a run as one JSON object on a line."""

from datetime import datetime

from bulk.cli.json_output import Json, print_json
from bulk.planning.plan import Plan
from bulk.running.events import RunListener
from bulk.writing import Written
from smmplus.orders.decimals import plain
from smmplus.placing.placer import Placed


class JsonLines(RunListener):
    """Prints every event. The object of `--json`, which has no `event`, is the last line."""

    def planned(self, plan: Plan) -> None:
        """Print what would be done, in short: the last line has all of it."""
        print_event(
            "planned",
            file=str(plan.sheet.path),
            campaign=plan.campaign.name,
            rows=len(plan.sheet.rows),
            to_send=len(plan.to_send),
            total=plain(plan.total),
            currency=plan.prices.balance.currency,
        )

    def placing(self, orders: int) -> None:
        """Print how many orders are to be sent."""
        print_event("placing", orders=orders)

    def placed(self, row: int | None, placed: Placed) -> None:
        """Print the outcome of an order."""
        print_event("order", row=row, state=placed.state.value, order_id=placed.order_id, error=placed.error)

    def waiting(self, words: str, until: datetime) -> None:
        """Print that the panel says "not now"."""
        print_event("waiting", reason=words, until=until.isoformat(timespec="seconds"))

    def following(self, orders: int, final: int) -> None:
        """Print how many orders are finished."""
        print_event("tracking", orders=orders, finished=final)

    def wrote(self, written: Written) -> None:
        """Print where the results are."""
        print_event("written", file=str(written.path))

    def note(self, text: str) -> None:
        """Print something that a person should know."""
        print_event("note", text=text)


def print_event(event: str, **about: object) -> None:
    """Print an event on a line."""
    document: Json = {"event": event, **about}
    print_json(document)
