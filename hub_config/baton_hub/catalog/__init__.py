"""The curated catalogue: which images are approved, for whom, at what size, and how much of it."""

from baton_hub.catalog.access import Access
from baton_hub.catalog.fault import Fault
from baton_hub.catalog.live import LiveCatalog
from baton_hub.catalog.load import CatalogError, Reading, load_catalog, read_catalog
from baton_hub.catalog.model import Catalog, Image, Lifecycle, Option, Profile, Size
from baton_hub.catalog.quotas import Budget, GroupLimits, Limits, Quotas

__all__ = [
    "Access",
    "Budget",
    "Catalog",
    "CatalogError",
    "Fault",
    "GroupLimits",
    "Image",
    "Lifecycle",
    "Limits",
    "LiveCatalog",
    "Option",
    "Profile",
    "Quotas",
    "Reading",
    "Size",
    "load_catalog",
    "read_catalog",
]
