"""Evidence about orders in doubt: whether they were placed, and which orders on the panel they are.

`reconcile` reads the balance and, if asked to, the statuses of order ids that no journal knows. `balance_evidence`
compares the balance before and after each order in doubt. `balance_drops` reports a balance that fell by more than the
journal explains. `doubt_matching` decides whether the evidence identifies an order. An order is only resolved without
a person if everything agrees. `reconcile` also records what a person says of many orders at once.
"""
