"""The typed client of the desk, and the `baton` command. Light: no Hub, no MLflow, no Jupyter."""
