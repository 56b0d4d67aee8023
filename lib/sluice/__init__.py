"""Sluice: files into keyed Delta tables, aggregates of them, and those into PostgreSQL."""

__version__ = "0.1.0"
