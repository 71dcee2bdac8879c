"""tokenry: a self-hosted service for personal access tokens."""
