"""The hook: `smmplus.SmmPlusHook` gives tasks every action of the API."""
