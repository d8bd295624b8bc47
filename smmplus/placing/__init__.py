"""Placing and tracking orders through the journal: each order is sent once.

`place_order` places one order. It plans it in the journal and gives it to the `placer`, as a run of a whole sheet
does. The `placer` commits the intent, sends the request and commits the outcome; its docstring says how.
`commit_queue` writes what waits in one transaction, and saves order ids that the journal cannot take. `tracking` asks
for statuses, 100 orders a call. `refills_and_cancels` asks for each refill or cancel once.
"""
