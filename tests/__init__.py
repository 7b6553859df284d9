"""Statements about the system, on a real PostgreSQL: one module a subject."""
