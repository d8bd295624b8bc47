"""Apache Airflow provider for smm.plus."""
