"""A page for people who have spreadsheets: upload a sheet, see what is wrong and what it costs, approve, and follow it.

`app` has the routes, and `home` what they need of where the page runs: `local_home` is this computer, and the Airflow
provider has another one. `uploads` keeps the sheets, `views` makes what the templates show.
"""
