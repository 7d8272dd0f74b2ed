"""What people see beside JupyterLab: the operators' page, and each person's own standing."""
