"""Who may see and change what in MLflow: walls where its records and files are."""
