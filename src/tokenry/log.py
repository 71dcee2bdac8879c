"""The log. What writes it is imported with its first line: commands hardly ever have one, and start quicker without."""

from functools import cached_property
from typing import Any


class Log:
    """The structlog logger of a name."""

    def __init__(self, name: str) -> None:
        self._name = name

    @cached_property
    def _logger(self) -> Any:
        import structlog  # noqa: PLC0415 - see above

        return structlog.get_logger(self._name)

    def __getattr__(self, method: str) -> Any:
        return getattr(self._logger, method)
