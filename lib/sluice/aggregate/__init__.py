"""Aggregates and rankings kept up to date: `refresh` decides how, `groups` and `ranking` compute."""
