"""One call of MLflow's API, as its client makes it: what it is about, and whether it is kept."""

from __future__ import annotations

import json
from typing import Any, NamedTuple

from baton_lab.offline import keeping
from baton_lab.offline.journal import Journal
from baton_lab.offline.local import ID
from baton_lab.offline.once import keyed

Json = dict[str, Any]


class Asked(NamedTuple):
    """A call of MLflow's API: its message's type, method, path below the server, JSON."""

    call: Any
    method: str
    path: str
    text: str
    body: Json

    @property
    def owner(self) -> str | None:
        """The id of what the call is about; None where it makes something, or is not kept."""
        return keeping.owner(self.call, self.path, self.body)

    @property
    def is_kept(self) -> bool:
        """Whether the call can be kept and sent later."""
        return keeping.is_kept(self.call)

    def with_key(self) -> Asked:
        """Return the call that makes something with a key by which that can be found."""
        body = keyed(self.body)
        return self._replace(text=json.dumps(body), body=body)

    def settled(self, journal: Journal) -> Asked:
        """Return the call with MLflow's own ids where there are such."""
        if "offline-" not in self.text and "offline-" not in self.path:
            return self
        text = journal.settle(self.text)
        return self._replace(path=journal.settle(self.path), text=text, body=json.loads(text))

    def names_local(self) -> bool:
        """Tell whether it names what MLflow does not have yet."""
        return bool(ID.search(self.path) or ID.search(self.text))
