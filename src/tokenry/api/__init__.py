"""The management API and its description. `app.py` is the route table; `wire.py` and its like are the wire format."""
