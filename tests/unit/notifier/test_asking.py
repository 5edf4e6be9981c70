"""What the database is asked, and what not."""

from typing import cast

from notifier import outbox, plans, reference
from relato_runtime.database import Connection

_NOBODY = cast(Connection, None)
"""A database that cannot be asked."""


async def test_about_nothing_the_database_is_not_asked() -> None:
    await outbox.tell(_NOBODY, [])
    await reference.save_occurrences(_NOBODY, [])

    assert await plans.chat_mails(_NOBODY, set()) == {}
