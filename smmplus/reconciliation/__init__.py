"""Evidence about orders in doubt: balances, and statuses of ids that no journal holds."""
