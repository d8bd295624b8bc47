"""The databases of a journal: a SQLite file for one machine, PostgreSQL for several.

`open` reads the URL and opens one of the two. A file is checked first: `location` refuses folders in which no journal
is safe, `sqlite_file` refuses a damaged file, and `run_traces` one that lost what its last run wrote. `sqlite` and
`postgres` make the engine. `file_locks` and `pg_locks` tell a live process from a dead one.
"""
