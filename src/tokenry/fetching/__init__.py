"""Asking other servers: within a time, of a bounded size, and by no address that is out of reach."""
