"""What a run carries of where it came from: notebook, cell, commit, packages, image.

Runs in the kernel, and in a small process beside it. Nothing is imported here for
convenience: MLflow's plugin loads `context` alone.
"""
