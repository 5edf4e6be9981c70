"""Pure: one chat mail per ticket and recipient in a while, however much is written meanwhile."""

from collections.abc import Mapping, Sequence
from datetime import datetime, timedelta

from notifier.compose import Draft, Suppressed
from notifier.event import Event


class ChatQuiet:
    """Remembers when whom was told; the times are those of the events, so that coming again changes nothing.

    ``times`` holds them by ticket, address and whether the mail was suppressed.
    """

    def __init__(self, period: timedelta, times: Mapping[tuple[str, str, bool], Sequence[datetime]]) -> None:
        self._period = period
        self._times = {key: list(each) for key, each in times.items()}

    def keeps(self, event: Event, mail: Draft | Suppressed) -> bool:
        """Whether a mail is kept back; one that is not is remembered.

        What was sent keeps all back, what was suppressed only what would be suppressed too: once
        the reason is gone, the next line is mailed.
        """
        suppressed = isinstance(mail, Suppressed)
        address = mail.address if isinstance(mail, Suppressed) else mail.reader.address
        keys = [(event.fact.ticket_id, address, each) for each in ({False, suppressed})]
        if any(abs(event.at - time) < self._period for key in keys for time in self._times.get(key, ())):
            return True
        self._times.setdefault((event.fact.ticket_id, address, suppressed), []).append(event.at)
        return False
