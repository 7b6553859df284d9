"""What a record must satisfy, judged by Great Expectations, and what follows from the judgement.

Here belong conditions, suites, validation, quarantine, corrections and receipts. ``ingestion`` is imported
from here, never the other way; when and in what order is for ``orchestration``.
"""
