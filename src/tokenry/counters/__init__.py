"""Numbers that workers share: what limits on requests count by."""
