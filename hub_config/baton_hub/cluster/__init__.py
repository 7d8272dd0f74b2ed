"""The same rules in the cluster's own words: manifests from the catalogue, and their names."""
