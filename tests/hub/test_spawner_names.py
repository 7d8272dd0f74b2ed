"""Our spawners replace of JupyterHub's Spawner what they mean to, and nothing by accident."""

from __future__ import annotations

import pytest
from jupyterhub.spawner import Spawner

from baton_hub.spawner.choosing import ChoosingSpawner
from baton_hub.spawner.curated import CuratedSpawner

MEANT = {
    "clear_state",
    "get_env",
    "get_state",
    "load_state",
    "options_from_query",
    "poll",
    "run_post_stop_hook",
    "start",
    "start_polling",
    "stop",
    "user_options",
}
"""What the Hub itself calls or reads, and we have our own of."""


@pytest.mark.parametrize("half", [ChoosingSpawner, CuratedSpawner])
def test_no_name_of_jupyterhubs_is_taken_by_accident(half: type) -> None:
    """A method called ``ready``, say, would be true for every server, also for none."""
    own = {
        name
        for name, value in vars(half).items()
        if not name.startswith("__") and (callable(value) or isinstance(value, property))
    }
    assert not (own & set(vars(Spawner))) - MEANT
