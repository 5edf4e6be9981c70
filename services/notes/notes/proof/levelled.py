"""Whether this process may sign: only where it has brought the tree level with what was published."""

from collections.abc import Iterator
from contextlib import contextmanager

from relato_runtime.database import Connection


class NotLevel(Exception):
    """The tree was not compared with what was published of it, or contradicts that."""


class Levelled:
    """Says so for as long as the connection stands over which it was compared.

    Whoever puts a database back ends its connections, and all has to be compared anew.
    """

    def __init__(self) -> None:
        self._over: Connection | None = None

    @contextmanager
    def over(self, connection: Connection) -> Iterator[None]:
        """It was compared, and whoever did so goes on sealing."""
        self._over = connection
        try:
            yield
        finally:
            self._over = None

    def __bool__(self) -> bool:
        return self._over is not None and not self._over.is_closed()
