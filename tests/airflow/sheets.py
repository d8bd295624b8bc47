"""Sheets for the tests of the operators, and what they look like afterwards."""

import csv


def write(path, *rows, fields=("service", "link", "quantity")):
    """Write a CSV sheet: a row is what its fields hold."""
    with path.open("w", newline="", encoding="utf-8") as file:
        writer = csv.writer(file)
        writer.writerow(fields)
        writer.writerows(rows)
    return path


def read(path):
    with path.open(newline="", encoding="utf-8-sig") as file:
        return list(csv.DictReader(file))


def ids(path):
    return [row["order_id"] for row in read(path)]
