"""Keeps what a kernel logs while MLflow can't be reached, and sends it later, once, in order.

``store``, ``artifacts`` and ``auth`` are plugins that MLflow loads in the kernel; the
rest imports neither MLflow nor Jupyter.
"""
