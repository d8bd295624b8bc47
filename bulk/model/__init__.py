"""The terms that everything in bulk shares: fields, sheets, options, errors. Imports nothing else of bulk."""
