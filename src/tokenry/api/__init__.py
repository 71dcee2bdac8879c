"""The HTTP interface. `app.py` is the route table; `wire.py` knows every byte of the wire format."""
