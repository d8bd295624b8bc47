"""Looking after a journal: integrity, backups, moving and restoring."""
