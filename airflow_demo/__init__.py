"""The Airflow demo: the example DAGs against a simulated panel. `make airflow-demo` starts it in its own folder."""
