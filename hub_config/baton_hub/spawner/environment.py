"""The environment of a server: what the profile says, and what the platform adds. Pure."""

from __future__ import annotations

from baton_hub.booking import Booking
from baton_hub.policy import ServerSpec

SERVER_ID = "BATON_SERVER_ID"
"""The variable that carries the decision's id, in a server and all that it starts."""


def server_environment(
    spec: ServerSpec, booking: Booking | None, token: str, public_url: str
) -> dict[str, str]:
    """Return the variables of a decided server, without any secret of its connections.

    ``token`` is good for the platform's services. What the platform sets can't be replaced
    by a profile, an option or a connection.
    """
    return {
        # Waits a minute for MLflow, as for one that restarts; its own 7 make it four.
        "MLFLOW_HTTP_REQUEST_MAX_RETRIES": "5",
        **spec.environment,
        "MLFLOW_TRACKING_URI": f"{public_url}/services/mlflow",
        # The same, which no notebook changes: where the token may go, and no other server.
        "BATON_TRACKING_URI": f"{public_url}/services/mlflow",
        "MLFLOW_TRACKING_USERNAME": spec.user,
        "MLFLOW_TRACKING_PASSWORD": token,
        "MLFLOW_DISABLE_TELEMETRY": "true",
        "BATON_DESK_URL": f"{public_url}/services/desk",
        SERVER_ID: booking.id if booking else "",
        "BATON_PROFILE": spec.profile,
        "BATON_SIZE": spec.size,
        "BATON_CONNECTIONS": ",".join(spec.connections),
        "BATON_IMAGE": spec.image,
        "BATON_IMAGE_DIGEST": spec.digest,
    }
