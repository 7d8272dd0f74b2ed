"""One step each, in order of their number."""
