"""File formats, without regard to orders.

`zip_archive` unpacks the parts of a workbook and packs them again, `xlsx_parts` parses their XML, and `csv_text` splits
CSV into records that can be written back. `atomic_write` replaces a file in one step. Readers and writers use these.
`account_settings` has the user's accounts: their keys, in the environment or as `smmplus login` kept them, and panels.
"""
