"""The plugin that shows the page for people who have spreadsheets in the Airflow UI."""
