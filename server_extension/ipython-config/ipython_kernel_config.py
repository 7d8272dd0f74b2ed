"""Adds Baton to the kernels of this environment."""

c = get_config()  # type: ignore[name-defined]  # noqa: F821
c.InteractiveShellApp.extensions.append("baton_lab.kernel")
