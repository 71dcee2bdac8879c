"""tokenry: a self-hosted service for personal access tokens."""

__version__ = "0.1.0"
