"""From the rows of a sheet to a plan: what would be sent, what it costs, and what blocks it.

How it works
------------

::

    sheet -> order_rows, row_filters -> match_rows -> check_rows, equal_rows -> prices -> warnings -> Plan(blocker)
             orders                     matching      orders                   build_plan warnings    blockers

`build_plan.build_plan` takes these steps in this order. Nothing here sends an order, writes a file or writes into the
journal. Only `build_plan` and `warnings` read the journal; every other module is pure: its functions depend on their
arguments alone. That is why a plan can be built as often as someone wants to see it.

1. **Rows to orders** (`orders`). The text of a row becomes an `OrderRequest` in its canonical form. Its fingerprint is
   what rows and journal entries are compared by, so it must not depend on how a cell was formatted. The columns `skip`
   and `enabled` are read here; a word that is neither yes nor no is a problem, never a guess.

2. **Matching** (`matching`). Each row is an order that the journal knows, or new, or a question. It comes before
   validation, because a row that is placed already needs none: its service may be gone by now. Equal rows are matched
   in the order in which they stand, never by row number or file path, because people sort and copy sheets. If a row
   equals an order of another run, only a person knows whether it is the same order. A wrong guess in one direction is
   an order placed twice, in the other an order that is never placed.

3. **Validation** (`orders.check_rows`, `smmplus.orders.validation`). Only rows that would be sent are checked, against
   the services that the panel offers now. All problems are collected, so that a person can fix them in one go.

4. **Prices**. A row's cost is the most that the panel can charge for it. With a budget, a row without an upper bound is
   a problem: a budget that does not cover everything would not hold. `first` cuts the rows to send only now, so that
   the same rows are sent first however often the sheet is planned; the rest is `deferred` to a later run.

5. **Warnings** (`warnings`). A link that was ordered before in another way, a journal that looks like the wrong one, a
   balance that dropped without orders. They never stop a run, because each of them may well be intended.

6. **The blocker** (`blockers`, `approval`). The first thing that a person must fix or answer before anything is sent.
   The plan carries it, so the command line, Python and Airflow cannot disagree about what may be sent.

What may go wrong in between
----------------------------

A plan is true for the moment at which it was built. If it is to be placed, `bulk.running` builds it under the
campaign's lock and after crashed runs were recovered. No other run can then place its rows in the meantime. Prices,
services and the balance belong to the panel and cannot be locked: `blockers.blocking_change` and `service_change`
compare the plan with what the panel says later. A sheet that someone edits after a check is caught by the check's
fingerprint (`approval`). A plan never has the final decision: the journal decides whether an order may be sent, in
the transaction that commits its intent.
"""
