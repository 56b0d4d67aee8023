"""What Prometheus is told of a run and of tables: a file that node-exporter's textfile collector reads."""
