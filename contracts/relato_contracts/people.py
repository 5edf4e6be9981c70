"""Facts of the topic ``relato.people``: who is to be forgotten, by whoever keeps anything of them."""

from typing import Annotated

from pydantic import Field

from relato_contracts.fields import Fact, Id, UtcTime


class PersonErased(Fact):
    """A person was erased at their request: nothing of them is to be kept but this id, which names nobody."""

    person_id: Id
    erased_at: UtcTime
    tickets: Annotated[
        int, Field(ge=0, description="On how many tickets something was erased; each says so by TextErased.")
    ]
