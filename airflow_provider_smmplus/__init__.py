"""Apache Airflow provider for smm.plus."""

__version__ = "0.1.0"
