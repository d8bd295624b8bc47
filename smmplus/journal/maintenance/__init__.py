"""Maintenance of a journal: `integrity` checks it, `backup_and_move` copies it, `restore` makes a journal of a backup.

A backup is a copy that places no orders. Restoring gives it a new uuid and puts everything in doubt that was unsent
when it was made. Every copy is read back and compared with the original.
"""
