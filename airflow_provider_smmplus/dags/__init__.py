"""DAGs that come with the provider. A DAG file of your own imports the ones that you want."""
