"""The Hub that `baton up` starts."""

from baton_hub.up.hub import configure_one_machine

c = get_config()  # type: ignore[name-defined]  # noqa: F821
configure_one_machine(c)
