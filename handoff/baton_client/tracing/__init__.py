"""The way back from a model version or a run to what made it, read from MLflow over HTTP."""
