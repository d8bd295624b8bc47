"""How messages that operators share with the command line phrase remedies."""

from bulk.model.surfaces import Surface

AIRFLOW = Surface(
    {
        "sheet": "worksheet",
        "account": "its account",
        "journal": "the connection's journal_conn_id",
    }
)
