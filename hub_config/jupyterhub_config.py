"""A Hub with Baton. Every setting may come from the environment: see baton_hub.Settings."""

from baton_hub import configure

c = get_config()  # type: ignore[name-defined]  # noqa: F821
configure(c)
