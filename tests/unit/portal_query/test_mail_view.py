"""Who decided about a mail, and whether somebody still has to."""

from datetime import datetime
from typing import Any

from portal_query.as_of import _emails
from portal_query.mail_view import decided, emails

AT = "2026-11-24T10:32:00.5Z"
RESENT = {"decision": "resend", "person_id": "carlos", "person_name": "Carlos", "at": AT}


def test_an_uncertain_mail_awaits_a_decision_until_there_is_one_and_again_after_it() -> None:
    assert decided("uncertain", AT, None) == {"awaits_decision": True}
    assert decided("uncertain", datetime.fromisoformat("2026-11-24T10:32:00.500000+00:00"), RESENT) == {
        "decision": RESENT
    }
    assert decided("uncertain", "2026-11-24T10:32:01Z", RESENT) == {
        "decision": RESENT,
        "awaits_decision": True,
    }
    assert decided("accepted", "2026-11-24T10:32:01Z", RESENT) == {"decision": RESENT}
    assert decided("accepted", AT, None) == {}


def test_a_past_history_says_what_had_been_decided_by_then() -> None:
    told = {
        "mail_id": "m",
        "recipient": "ana@empresa.example",
        "at": AT,
        "reason": "resend, decided by Carlos",
    }
    facts: list[Any] = [
        {"kind": "mail", "action": "email-uncertain", "data": told | {"at": "2026-11-24T10:31:00Z"}},
        {"kind": "mail", "action": "email-uncertain", "data": told | {"decision": RESENT}},
    ]
    assert "awaits_decision" in emails(_emails(facts[:1]))[0]
    assert emails(_emails(facts)) == [told | {"state": "uncertain", "decision": RESENT}]
