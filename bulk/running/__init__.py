"""Running a sheet: read, build the plan, confirm, place, track, write.

How it works
------------

`run.run` calls each step once. `run.check` and `run.status` share its first steps, and so do `partitions.split`,
`bulk.dataframes` and the Airflow operators.

1. **Lock** (`load_campaign`). Other runs are kept out of the campaign, and crashed runs are recovered: an order that
   was under way when a process died is in doubt from here on. Only then is the campaign read. A plan that is built
   without the lock may be shown but not placed: another run could place the same rows before its first order.

2. **Read** (`read`). The file is read once. Its digest goes along, so that results are never written over changes that
   someone made meanwhile.

3. **Prices** (`ask_prices`). The balance comes first: it is the cheapest call that fails for a wrong key, and evidence
   for orders whose outcome is unknown. Then the price list.

4. **Plan** (`plan_sheet`, `bulk.planning`). A plan to place also holds the campaign to its currency and its budget.

5. **Confirm** (`_confirm`). The listener sees the plan. A blocked plan ends the run, and so does a balance that is too
   low. Otherwise the listener is asked whether to spend the money.

6. **Prepare** (`RunSession.prepare`). The rows to send are written into the journal as one batch, before anything is
   sent. A run that dies later finds its rows by this batch.

7. **Prices again**. A person may think about the question for an hour, and a long sheet takes time. The prices are
   asked for again, and a rise ends the run: nobody agreed to pay more.

8. **Place** (`RunSession`, `smmplus.placing.placer`). The journal commits each intent before its request leaves. Every
   few minutes prices are asked for again and results are written, while orders are placed.

9. **Track** (`tracking`). Statuses are asked for by the hundred, until all orders are finished or the wait is over.

10. **Write** (`RunSession.finish`, `write_from_journal`). Results always come from the journal, never from memory. A
    batch is finished only if all its orders are settled and the sheet has them all.

What may go wrong in between
----------------------------

- The process dies. The next run recovers what was under way, and continues with the batch.
- Someone presses Ctrl-C (`interrupts`). No more orders are sent, and answers that are on their way are waited for: they
  are paid for. After the third signal the process ends at once, and these orders are in doubt.
- The panel refuses the account, or answers strangely several times. Placing stops, tracking does not start, and the
  results are written all the same.
- The journal cannot be written. No intent is committed, so nothing more is sent. An order id that came back goes into a
  rescue file, into the sheet, and into the result.
- The sheet is open in a spreadsheet program. The results go into a file next to it.
- The terminal or the log is gone (`events.GuardedListener`). The run goes on without it.
"""
