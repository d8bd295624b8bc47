"""A simulated SMM panel over real HTTP, started with `python -m smmplus.sandbox`.

`app` takes a request, `calls` parses it, and `faults` decides what happens to it. `panel` answers it: `validation` for
an `add`, `follow_up` for everything else. An accepted change is an event, which `changes` applies to the state
(`records`) and `storage` appends to the state file. `lifecycle` computes an order's status from the clock. Nothing is
imported from the rest of the project, so that a misread API cannot cancel itself out.
"""
