"""The application whose fast way is compared with its ordinary one."""

from tests.serving.conftest import served

__all__ = ["served"]
