"""Sheets, services, journals and plans made in memory, for the tests of what a job decides."""

from dataclasses import dataclass
from decimal import Decimal
from pathlib import Path

from bulk.model.options import Options
from bulk.model.sheet import Column, Sheet
from bulk.planning.build_plan import build_plan
from bulk.planning.orders import order_rows
from bulk.planning.plan import CampaignContext, Prices
from smmplus.journal import budgets
from smmplus.journal.entry import Entry, Planned, key_of
from smmplus.journal.group_commit import Intent
from smmplus.journal.journal import Journal
from smmplus.journal.state_machine import Event, Outcome, State
from smmplus.orders.models import Balance, OrderRequest, Service

LINK = "https://example.com/post"


def row(link=LINK, quantity="100", service="2", **more):
    """Make a row's cells."""
    return {"service": service, "link": link, "quantity": quantity, **more}


def request(link=LINK, quantity="100", service="2", **more):
    """Make what such a row orders."""
    return OrderRequest.of(service, {"link": link, "quantity": quantity, **more})


def sheet_of(*rows, path="week.csv", kind="csv", problems=(), numbers=None, name="", ignored=()):
    """Make a sheet of these rows; they stand from row 2 on."""
    names = list(dict.fromkeys(field for cells in ({"service": "", "link": ""}, *rows) for field in cells))
    texts = {field: [cells.get(field, "") for cells in rows] for field in names}
    columns = {field: Column(index, "ABCDEFGHIJKLMNOP"[index], field) for index, field in enumerate(names)}
    rows = numbers or range(2, len(rows) + 2)
    return Sheet(Path(path), kind, name, 1, columns, tuple(ignored), rows, texts, tuple(problems), "digest")


def service(number="2", rate="1.5", kind="Default", least=10, most=1_000_000, name="Likes"):
    return Service(number, name, kind, "Instagram", Decimal(rate), least, most)


def prices(*services, balance="1000", currency="USD"):
    return Prices({each.id: each for each in services or (service(),)}, Balance(Decimal(balance), currency))


def entry_of(order=None, number=1, state=State.PLACED, **about):
    """Make an entry of campaign 1, batch 1; only what a test is about needs to be said."""
    order = order or request()
    values = {
        "id": number,
        "account": "default",
        "campaign": "week",
        "campaign_id": 1,
        "batch_id": 1,
        "source": "week.csv",
        "batch_finished": False,
        "key": key_of(order, 1),
        "content": order.content,
        "fingerprint": order.fingerprint,
        "cost": Decimal("0.15"),
        "state": state,
        "attempt": 1,
        "run_id": "run",
        "sent_at": "2026-02-03T04:05:06.789+00:00",
        "settled_at": None,
        "order_id": None,
        "error": "",
        "meaning": "",
        "order_status": "",
        "final": False,
        "charge": None,
        "start_count": None,
        "remains": None,
        "currency": "",
        "polled_at": None,
    }
    return Entry(**values | about)


@dataclass
class Ledger:
    """One campaign of a real journal, and short ways to orders in every state."""

    journal: Journal
    account: int
    campaign: int
    batch: int

    @classmethod
    def of(cls, journal, campaign="week", source="week.csv", account="default"):
        account_id = journal.ensure_account("https://smm.plus/api/v2", account)
        campaign_id = journal.ensure_campaign(account_id, campaign)
        return cls(journal, account_id, campaign_id, journal.open_batch(campaign_id, source))

    def planned(self, order=None, nth=1, cost="0.15"):
        order = order or request()
        price = None if cost is None else Decimal(cost)
        self.journal.plan(self.campaign, self.batch, [Planned(key_of(order, nth), order, price)], {})
        return self.journal.with_keys(self.campaign, [key_of(order, nth)])[key_of(order, nth)]

    def settled(self, event, order=None, order_id=None, nth=1, **about):
        """Plan an order, send it, and let this become of it."""
        entry = self.planned(order, nth)
        (attempt,) = self.journal.commit([Intent(entry.id)])
        self.journal.commit([Outcome(entry.id, attempt.number, event, order_id, **about)])
        return self.now(entry)

    def accepted(self, order_id="501", order=None, nth=1):
        return self.settled(Event.ORDER_ID, order, order_id, nth)

    def in_doubt(self, order=None, nth=1):
        return self.settled(Event.DOUBT, order, nth=nth, error="no answer")

    def refused(self, order=None, nth=1, meaning="", error="Bad link"):
        return self.settled(Event.REFUSAL, order, nth=nth, meaning=meaning, error=error)

    def submitting(self, order=None, nth=1):
        entry = self.planned(order, nth)
        self.journal.commit([Intent(entry.id)])
        return self.now(entry)

    def finish(self):
        self.journal.finish_batch(self.batch)

    def now(self, entry):
        return self.journal.with_ids([entry.id])[entry.id]

    def place(self, *, unfinished=True):
        batch = self.batch if unfinished else None
        spent, budget = self.journal.spent(self.campaign), budgets.budget(self.journal, self.campaign)
        return CampaignContext(
            self.account, self.campaign, "week", batch, spent, budget, panel="https://smm.plus/api/v2"
        )

    def plan(self, sheet, *services, balance="1000", unfinished=True, **options):
        """Plan a run of a sheet."""
        asked, place = Options(sheet.path, **options), self.place(unfinished=unfinished)
        return build_plan(sheet, prices(*services, balance=balance), place, self.journal, asked)


def blocker_of(plan):
    """Return the message of what blocks a plan; "" for nothing."""
    return plan.blocker.message if plan.blocker else ""


def rows_of(sheet):
    return order_rows(sheet)
