"""Bytes of files to records and rejects, a folder for each family of formats; families never import each other."""
