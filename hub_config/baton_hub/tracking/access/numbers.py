"""Numbers of experiments: each is given once, also after its experiment is gone for good.

Files lie below their experiment's number, and some stay when ``mlflow gc`` removes it;
so do its datasets. SQLite would give the highest number anew, and all of that with it.
"""

from __future__ import annotations

from typing import Any

from sqlalchemy import Connection, event, text

_NEXT = text(
    "SELECT max(number) + 1 FROM (SELECT max(experiment_id) AS number FROM experiments"
    " UNION ALL SELECT max(thing) FROM baton_changed_experiments)"
)


def give_once(experiments: type[Any]) -> None:
    """Have new rows of MLflow's class of experiments take numbers that nothing had before.

    Whoever makes one has by then changed a row in the transaction, so that SQLite lets
    nobody else take the same number. PostgreSQL's sequences never go back.
    """

    @event.listens_for(experiments, "before_insert")
    def _number(_: Any, connection: Connection, made: Any) -> None:
        if connection.dialect.name == "sqlite" and made.experiment_id is None:
            made.experiment_id = connection.execute(_NEXT).scalar_one()
