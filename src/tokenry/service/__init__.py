"""Use cases. Each is one transaction, with its audit event inside. No HTTP, no SQL text, no JSON."""
