"""The command line: `smmplus …`."""
