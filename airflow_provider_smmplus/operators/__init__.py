"""The operators: `orders`, `refills`, `sheets` and `account`. The modules that begin with `_` are their bases."""
