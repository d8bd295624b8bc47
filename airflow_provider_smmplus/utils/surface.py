"""How operators name options in messages that they share with the command line."""

from bulk.model.surfaces import Surface

AIRFLOW = Surface(
    {
        "sheet": "worksheet",
        "account": "its account",
        "journal": "the connection's journal_conn_id",
    }
)
