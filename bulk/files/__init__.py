"""File formats: zip archives, parts of workbooks, CSV text, atomic writing. Knows nothing of orders."""
