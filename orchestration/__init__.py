"""When, in what order, and what stops what.

Here belong Dagster's objects by kind, the command line, and bringing a database up to the catalogue. What is
done to packages and records lives in ``ingestion`` and ``expectations``.
"""
