"""The journal: the record of every order, on disk before the order is sent.

`Journal` (in `journal`) is what other packages use. An order goes through it like this:

1. `accounts` and `queries` find or create the account, the campaign and the batch, and write the order as planned.
2. `group_commit` commits its intent and, after the call, its outcome. `state_machine` has every legal change of state,
   and says why an intent is committed first.
3. `queries` records the statuses that the panel reports later.

Next to it: `budgets`, `balances` (what the account had, as evidence), `refills_and_cancels`, and `lookup` for
sheets. `entry` is an order as a frozen value, `schema` has the tables.

A run that crashes leaves orders that may have been sent. `run_presence` shows which processes live, `recovery` puts
what dead ones left in doubt, and `rescue_file` keeps order ids that the database could not take. `resolution` records
what orders in doubt really are, and takes mistakes back. `lost_commits` finds out that a journal lacks what it once
knew. `maintenance` checks, backs up, moves and restores journals. `backends` opens the database: a SQLite file for one
machine, PostgreSQL for several.
"""
