"""Exports to PostgreSQL: `run` decides what to send, `database` makes tables equal to Delta's in one transaction.

Only this folder touches PostgreSQL: `connection` reaches a server, `embedded` starts one.
"""
