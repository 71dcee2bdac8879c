"""The benchmark: what a request costs, as a ratio to nginx answering a static 200 in the same run."""
