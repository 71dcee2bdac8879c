"""What OAuth clients are given, by what kind of grant: a file each. `issuing.py` makes it, `ending.py` ends it."""
