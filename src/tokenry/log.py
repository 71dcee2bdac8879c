"""The log. What writes it is imported with its first line: commands hardly ever have one, and start quicker without."""

from typing import Any


class Log:
    """The structlog logger of a name."""

    def __init__(self, name: str) -> None:
        self._name = name

    def __getattr__(self, method: str) -> Any:
        import structlog  # noqa: PLC0415 - see above

        return getattr(structlog.get_logger(self._name), method)
