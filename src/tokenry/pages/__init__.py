"""What people see in a browser: pages of forms, which need no scripts. `table.py` has their paths."""
