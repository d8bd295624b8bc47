"""A report: what became of orders, in money, in delivery and over time.

`orders` reads the orders of a campaign, a period or a sheet's rows from the journal. `figures` adds them up, and
`attention` finds what a person should look at first. Both are pure functions of what was read. `page` writes the report
as one HTML file, `workbook` as a workbook. Nothing here asks the panel: a report shows what the journal knows.
"""
