"""The hot path: from the text that was presented to a decision. Knows nothing of HTTP beyond one header's value."""
