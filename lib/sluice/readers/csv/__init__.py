"""CSV files: what their bytes mean (`dialect`, `layout`), where records begin (`scan`), how files are cut (`ranges`,
`cutting`), rows and rejects (`parse`, `block`), headers (`header`), and all of it in Spark (`reader`)."""
