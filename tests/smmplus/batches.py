"""A journal with one account, one campaign and one batch, ready for orders."""

from decimal import Decimal

from smmplus.journal.entry import Planned, key_of
from smmplus.journal.group_commit import Attempt, Intent
from smmplus.journal.state_machine import Event, Outcome
from smmplus.orders.models import OrderRequest
from tests.databases import rows_of, url_of

LINK = "https://example.com/post"


def request_for(link=LINK, service=1, quantity=1000, **fields):
    return OrderRequest.of(service, {"link": link, "quantity": quantity, **fields})


class Batch:
    """Short ways to what nearly every test of the journal does first."""

    def __init__(self, journal, campaign="spring", source="sheet.xlsx", url="https://smm.plus/api/v2", account="main"):
        self.journal = journal
        self.account = journal.ensure_account(url, account)
        self.campaign = journal.ensure_campaign(self.account, campaign)
        self.id = journal.open_batch(self.campaign, source)
        self._nth = 0

    def plan(self, count=1, cost="1", request=None):
        """Plan equal orders, and give their entries."""
        request = request or request_for()
        price = None if cost is None else Decimal(cost)
        keys = [key_of(request, self._nth + number + 1) for number in range(count)]
        self._nth += count
        self.journal.plan(self.campaign, self.id, [Planned(key, request, price) for key in keys], {})
        known = self.journal.with_keys(self.campaign, keys)
        return [known[key] for key in keys]

    def intend(self, entry, max_spend=None):
        """Commit one intent, and give the answer: an Attempt, or the Refusal."""
        (answer,) = self.journal.commit([Intent(entry.id, max_spend)])
        return answer

    def settle(self, attempt, event, order_id=None, **about):
        """Commit one outcome, and give the Change or None."""
        (answer,) = self.journal.commit([Outcome(attempt.entry, attempt.number, event, order_id, **about)])
        return answer

    def accepted(self, order_id="501", cost="1"):
        """Plan an order, and let the panel accept it."""
        (entry,) = self.plan(cost=cost)
        self.settle(self.intend(entry), Event.ORDER_ID, order_id)
        return self.now(entry)

    def in_doubt(self, cost="1"):
        """Plan an order, and lose its answer."""
        (entry,) = self.plan(cost=cost)
        self.settle(self.intend(entry), Event.DOUBT, error="no answer")
        return self.now(entry)

    def now(self, entry):
        """Read an entry again."""
        return self.journal.with_ids([entry.id])[entry.id]

    def spent(self):
        return self.journal.spent(self.campaign)

    def rows(self, statement):
        """Ask the database past the journal, through a connection of its own, as another process would."""
        return [tuple(row.values()) for row in rows_of(url_of(self.journal), statement)]

    def notes(self):
        """Give what the notes say, and why, without the doubts that resolutions keep."""
        return self.rows("SELECT what, why FROM notes WHERE what <> 'doubt' ORDER BY id")

    def fill_the_disk(self):
        """Let the database refuse every change of an entry."""
        self.rows(FULL[self.journal._engine.dialect.name])


FULL = {
    "sqlite": "CREATE TRIGGER full_disk BEFORE UPDATE ON entries BEGIN SELECT RAISE(FAIL, 'the disk is full'); END",
    "postgresql": """
        CREATE FUNCTION full_disk() RETURNS trigger LANGUAGE plpgsql AS
            $$ BEGIN RAISE EXCEPTION 'the disk is full' USING ERRCODE = 'disk_full'; END $$;
        CREATE TRIGGER full_disk BEFORE UPDATE ON entries EXECUTE FUNCTION full_disk();
    """,
}


def attempt_of(entry):
    """Give the attempt that an entry is at."""
    return Attempt(entry.id, entry.attempt)
