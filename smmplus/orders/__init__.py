"""What can be ordered: the models, the types of orders, and what is checked before anything is sent.

`models` has the values of the API (services, requests, statuses, balances), `order_types` the fields and the cost of
each type, `validation` what is wrong with a request, and `decimals` reads and adds amounts exactly. Nothing here does
input or output.
"""
