"""Adds Baton to the kernels of this environment."""

from importlib.util import find_spec

c = get_config()  # type: ignore[name-defined]  # noqa: F821
# Below /usr/local this file is read by the kernels of every environment of the machine.
if find_spec("baton_lab") is not None:
    c.InteractiveShellApp.extensions.append("baton_lab.kernel")
