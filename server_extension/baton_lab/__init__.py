"""Baton in JupyterLab: the server extension that the panel talks to, and what runs in the kernel.

The Jupyter server's process never imports MLflow; it asks the tracking service
over HTTP. What needs MLflow here runs in the kernel or in a child process.
"""

from __future__ import annotations


def _jupyter_server_extension_points() -> list[dict[str, object]]:
    from baton_lab.extension import BatonExtension

    return [{"module": "baton_lab", "app": BatonExtension}]


def _jupyter_labextension_paths() -> list[dict[str, str]]:
    return [{"src": "labextension", "dest": "jupyter-baton"}]
