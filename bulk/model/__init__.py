"""The terms that all of bulk shares. It imports nothing else of bulk.

`fields` knows the header names, `cell_values` turns a cell's value into text, `sheet` holds the rows that were read and
their problems. `options` describes everything that a user may set, `surfaces` how a message names it on the command
line, in Python and in Airflow. `errors` holds what is raised.
"""
