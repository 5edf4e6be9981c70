"""Templates as administrators try them: what with, as a mail to themselves, and what comes of it."""

from dataclasses import dataclass
from datetime import UTC, datetime

import structlog
from relato_runtime.caller import Caller
from relato_runtime.database import Pool
from relato_runtime.problems import Problem, invalid, unavailable

from notifier import preview, reference, shown, specimen
from notifier.bodies import Trial
from notifier.compose import Reader
from notifier.known import Known
from notifier.letter import Letter
from notifier.planner import house_of
from notifier.render import Rendered, Renderer
from notifier.settings import NotifierSettings

log = structlog.get_logger(__name__)

_SECONDS = 15.0
"""How long somebody waits for the templates of others, and for their own."""


@dataclass(frozen=True, slots=True)
class Situation:
    """What a template is tried with, and by whom."""

    letter: Letter
    reader: Reader
    known: Known


class Workshop:
    """Makes letters and renders them; the renderer is its own, so that no mail waits for a preview."""

    def __init__(self, settings: NotifierSettings, pool: Pool, renderer: Renderer) -> None:
        self._house = house_of(settings)
        self._pool = pool
        self._renderer = renderer

    async def situation(self, trial: Trial, who: Caller) -> Situation:
        """An occurrence that its requester sees, or a sample, told to the caller; ``Problem`` 404."""
        async with self._pool.acquire() as connection:
            occurrence = None
            if trial.occurrence_id is not None:
                occurrence = await shown.one(connection, trial.occurrence_id)
            ticket_id = None if occurrence is None else occurrence.ticket_id
            known = await reference.load(connection, [ticket_id] if ticket_id else [], [who.person_id])
        if trial.occurrence_id is not None:
            if occurrence is None or ticket_id not in known.tickets:
                detail = "There is no such occurrence that its requester sees."
                raise Problem(404, "occurrence-not-found", detail)
            # Whoever looks at what somebody wrote leaves a trace.
            log.info("occurrence tried", person_id=who.person_id, occurrence_id=str(trial.occurrence_id))
        reader = self._reader(trial, who, known)
        if occurrence is None or ticket_id is None:
            now = datetime.now(UTC)
            letter = specimen.sample(trial.kind, trial.language, reader, self._house, now)
        else:
            letter = specimen.of(occurrence, ticket_id, known, reader, self._house)
        return Situation(letter, reader, known)

    async def rendered(self, trial: Trial, letter: Letter) -> Rendered:
        """The parts of the mail; ``Problem`` 422 that says what is wrong where."""
        try:
            return await preview.render(self._renderer, trial.variant, letter, seconds=_SECONDS)
        except preview.Wrong as wrong:
            raise invalid(*wrong.errors) from wrong
        except TimeoutError as error:
            raise unavailable("Too many templates are being tried at the same time.") from error

    def _reader(self, trial: Trial, who: Caller, known: Known) -> Reader:
        person = known.people.get(who.person_id)
        if person is None:
            return Reader("requester", "", who.name, trial.language, self._house.time_zone)
        address = person.email if person.active and person.email else ""
        return Reader("requester", address, person.name, trial.language, person.time_zone)
