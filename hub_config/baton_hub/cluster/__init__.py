"""The catalogue in the cluster's own words: what a pod has to be, manifests, and their names."""
