"""MLflow behind the Hub: unmodified, signed in by Hub tokens and Hub cookies.

``python -m baton_hub.tracking`` runs it as a Hub service; ``mlflow server
--app-name baton`` runs the same app under MLflow's own command. Several modules
here import jupyterhub or MLflow, so nothing is imported for convenience.
"""
