"""Apache Airflow provider for smm.plus.

An operator reads its arguments (`utils.arguments`) and its connection (`utils.connection`), and calls the hook, or
`bulk` for a sheet. `utils.task_identity` makes the key of its order from the task instance, so that a retry finds the
same order in the journal. To wait, a poller (`utils.pollers`) runs in the worker, in a sensor, or in a trigger.
`utils.failures` decides how a task fails, and `utils.xcom` what it returns.
"""

__version__ = "0.1.0"
