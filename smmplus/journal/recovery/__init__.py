"""After a crash: `recover` records what dead runs left, and `resolution` what a person says of an order in doubt.

When a journal is opened, it is compared with the traces of its runs. When a run begins, order ids in rescue files of
dead runs are recorded first, and then every order that they left as submitting is put in doubt.
"""
