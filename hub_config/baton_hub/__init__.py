"""The Hub's part of Baton: curated profiles, quotas, spawners, audit, and MLflow behind the Hub.

In jupyterhub_config.py::

    from baton_hub import configure

    configure(c)
"""

from baton_hub.configuration import configure
from baton_hub.settings import ConfigurationError, Settings

__all__ = ["ConfigurationError", "Settings", "configure"]
