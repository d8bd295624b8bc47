"""How fast it is here: runs every benchmark, one after the other."""

from benchmarks import airflow_parse, airflow_trigger, run_10000, sandbox_throughput, sheets

if __name__ == "__main__":
    sandbox_throughput.main()
    run_10000.main()
    sheets.main()
    airflow_parse.main()
    airflow_trigger.main()
