"""Messages, chat, and what the requester has seen."""

from dataclasses import replace

from notes import errors, text
from notes.commands import MarkViewed, PostChat, SendMessage
from notes.note import decide, notification
from notes.state import State
from relato_contracts.notes import AttendantMessaged, ChatMessagePosted, HistoryViewed, RequesterMessaged

from tests.support.deciding import (
    COMMENTER,
    EXECUTOR,
    MESSAGE,
    NOW,
    REQUESTER,
    STRANGER,
    decided,
    given,
    invalid,
    record,
    refused,
    without,
)


def message(author_id: str = "carlos", html: str = "<p>Pode testar?</p>", mail: bool = False) -> SendMessage:
    return SendMessage("1001", author_id, NOW, MESSAGE, text.read(html), mail)


def chat(author_id: str = "carlos", said: str = "Bom dia") -> PostChat:
    return PostChat("1001", author_id, NOW, MESSAGE, said)


def viewed(up_to_version: int) -> MarkViewed:
    return MarkViewed("1001", "ana", NOW, up_to_version)


def test_an_executor_writes_to_the_requester() -> None:
    fact = decided(message(mail=True))
    assert isinstance(fact, RequesterMessaged)
    assert fact.notify_by_email
    assert notification(fact, EXECUTOR) == "planned"
    assert notification(decided(message()), EXECUTOR) == "none"


def test_the_requester_writes_to_whoever_executes_the_ticket() -> None:
    fact = decided(message("ana"), REQUESTER)
    assert isinstance(fact, AttendantMessaged)
    assert notification(fact, REQUESTER) == "planned"
    invalid("/notify_by_email", message("ana", mail=True), REQUESTER)


def test_a_requester_who_may_execute_their_own_ticket_writes_as_its_requester() -> None:
    both = replace(REQUESTER, may_execute=True)
    assert isinstance(decided(message("ana"), both), AttendantMessaged)
    line = decided(chat("ana"), both)
    assert isinstance(line, ChatMessagePosted)
    assert line.sender == "requester"


def test_messages_need_parameter_299() -> None:
    refused(errors.MessagesDisabled, message(), without(EXECUTOR, 299))


def test_who_may_only_comment_writes_no_messages_and_no_chat() -> None:
    refused(errors.NotPermitted, message("edu"), COMMENTER)
    refused(errors.NotPermitted, chat("edu"), COMMENTER)


def test_strangers_find_no_ticket_to_write_on() -> None:
    refused(errors.TicketNotFound, message("olga"), STRANGER)
    refused(errors.TicketNotFound, chat("olga"), STRANGER)


def test_a_message_that_shows_nothing_is_invalid() -> None:
    invalid("/text_html", message(html="<p>&nbsp;</p>"))
    invalid("/text", chat(said=" \u200b "))


def test_chat_says_who_wrote_and_whether_the_other_was_there() -> None:
    there = replace(EXECUTOR, requester_online=True)
    fact = decided(chat(), there)
    assert isinstance(fact, ChatMessagePosted)
    assert (fact.sender, fact.recipient_online) == ("executor", True)
    answer = decided(chat("ana"), REQUESTER)
    assert isinstance(answer, ChatMessagePosted)
    assert (answer.sender, answer.recipient_online) == ("requester", False)


def test_chat_needs_parameter_316() -> None:
    refused(errors.ChatDisabled, chat(), without(EXECUTOR, 316))


def test_a_closed_ticket_accepts_no_messages_and_no_chat() -> None:
    closed = replace(EXECUTOR, status="closed")
    refused(errors.TicketClosed, message(), closed)
    refused(errors.TicketClosed, chat(), closed)


def test_the_requester_has_seen_the_history() -> None:
    fact = decided(viewed(1), REQUESTER, given(decided(message())))
    assert isinstance(fact, HistoryViewed)
    assert (fact.viewer_id, fact.up_to_version) == ("ana", 1)


def test_a_view_that_shows_nothing_new_makes_no_fact() -> None:
    messaged = decided(message())
    seen = given(messaged, decided(viewed(1), REQUESTER, given(messaged)))
    assert decide(seen, viewed(1), REQUESTER) == []
    assert decide(seen, viewed(2), REQUESTER) == [], "the view itself shows nothing new"


def test_internal_occurrences_show_the_requester_nothing_new() -> None:
    assert decide(given(decided(record())), viewed(1), REQUESTER) == []


def test_a_view_cannot_go_beyond_the_history() -> None:
    invalid("/up_to_version", viewed(1), REQUESTER, State())


def test_only_the_requester_marks_their_history_as_seen() -> None:
    refused(errors.NotPermitted, viewed(1), EXECUTOR, given(decided(message())))
