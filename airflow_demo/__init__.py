"""Airflow with the example DAGs against a simulated panel, in a folder of its own; `make airflow-demo` starts it."""
