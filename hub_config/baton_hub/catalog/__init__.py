"""The curated catalogue: which images are approved, for whom, at what size, and how much of it."""

from baton_hub.catalog.live import LiveCatalog
from baton_hub.catalog.load import CatalogError, load_catalog
from baton_hub.catalog.model import Access, Catalog, Image, Lifecycle, Limits, Profile, Quotas, Size
from baton_hub.catalog.source import Fault

__all__ = [
    "Access",
    "Catalog",
    "CatalogError",
    "Fault",
    "Image",
    "Lifecycle",
    "Limits",
    "LiveCatalog",
    "Profile",
    "Quotas",
    "Size",
    "load_catalog",
]
