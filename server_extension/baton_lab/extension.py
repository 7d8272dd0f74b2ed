"""The Jupyter Server extension: its settings, and its life from start to stop."""

from __future__ import annotations

import os
from importlib.resources import files
from typing import Any

from jupyter_server.extension.application import ExtensionApp
from traitlets import Float, Integer, Unicode, default

from baton_lab.following import Following
from baton_lab.handlers import HANDLERS
from baton_lab.offline.places import runtime_folder
from baton_lab.platform import Platform
from baton_lab.sessions import Sessions
from baton_lab.use import Use


class BatonExtension(ExtensionApp):
    """Answers the panel below ``baton/``, and pushes what happens to it.

    On a Baton Hub every setting comes from the environment that the spawner gave.
    Elsewhere the extension loads all the same and says that the platform is absent.
    """

    name = "baton"

    tracking_url = Unicode(
        help="""MLflow's address. Default: MLFLOW_TRACKING_URI where that is http or https.
        Empty: there is no MLflow, and the panel says so.""",
    ).tag(config=True)

    desk_url = Unicode(
        help="""The desk's address. Default: BATON_DESK_URL.
        Empty: there is no desk, and the panel says so.""",
    ).tag(config=True)

    hub_url = Unicode(
        help="""Address of the Hub's API. Default: JUPYTERHUB_API_URL.
        Empty: there is no Hub, and the panel shows nothing of the server.""",
    ).tag(config=True)

    token = Unicode(
        help="""The Hub token that the Hub, MLflow and the desk are asked with. Default:
        JUPYTERHUB_API_TOKEN, this server's own. It is never taken from a request.""",
    ).tag(config=True)

    max_packet_bytes = Integer(
        1024**3,
        min=1,
        help="""The largest model that is handed over, in bytes. The desk has its own limit;
        this one spares the download. Default: 1 GiB.""",
    ).tag(config=True)

    request_timeout = Float(
        30.0,
        min=1,
        help="How long one request to MLflow or the desk may take, in seconds. Default: 30.",
    ).tag(config=True)

    replay_timeout = Float(
        600.0,
        min=1,
        help="""How long a model may take to answer its own example before it is handed over,
        in seconds. Default: 600.""",
    ).tag(config=True)

    @default("tracking_url")
    def _default_tracking_url(self) -> str:
        url = os.environ.get("MLFLOW_TRACKING_URI", "")
        return url if url.startswith(("http://", "https://")) else ""

    @default("desk_url")
    def _default_desk_url(self) -> str:
        return os.environ.get("BATON_DESK_URL", "")

    @default("hub_url")
    def _default_hub_url(self) -> str:
        return os.environ.get("JUPYTERHUB_API_URL", "")

    @default("token")
    def _default_token(self) -> str:
        return os.environ.get("JUPYTERHUB_API_TOKEN", "")

    def initialize_settings(self) -> None:
        """Register the event schema and make the platform known to the handlers."""
        app: Any = self.serverapp
        schema = files("baton_lab") / "schemas" / "push.v1.yaml"
        app.event_logger.register_event_schema(schema.read_text("utf-8"))
        self.platform = Platform(self, emit=app.event_logger.emit, use=Use(app.web_app))
        self.settings["baton_platform"] = self.platform
        self.sessions = Sessions(app.session_manager, app.contents_manager, app.event_logger)
        self.sessions.listen(runtime_folder())
        Following(app.event_logger, self.log).listen()

    def initialize_handlers(self) -> None:
        """Add the handlers below ``baton/``."""
        self.handlers.extend(HANDLERS)

    async def _start_jupyter_server_extension(self, _serverapp: Any) -> None:
        # Called in the running event loop once the server serves; nothing is awaited here.
        self.platform.start()

    async def stop_extension(self) -> None:
        """End the streams, the watch and the running handovers, and close the connections."""
        await self.sessions.close()
        await self.platform.stop()
