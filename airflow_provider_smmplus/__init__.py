"""Apache Airflow provider for smm.plus."""

from airflow_provider_smmplus.get_provider_info import get_provider_info

__all__ = ["get_provider_info"]

__version__ = "0.1.0"
