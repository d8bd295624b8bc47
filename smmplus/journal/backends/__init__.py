"""The databases of a journal: a SQLite file for one machine, PostgreSQL for several."""
