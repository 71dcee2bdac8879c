"""What OAuth clients are given, and by what kind of grant: a file each. `issuing.py` makes all of it."""
