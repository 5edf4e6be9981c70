"""Decisions about messages, chat, and what the requester has seen."""

from typing import Literal

from relato_contracts import notes as facts
from relato_contracts.notes import NoteEvent
from relato_runtime.field_errors import FieldError

from notes import errors, rules, text
from notes.commands import MarkViewed, PostChat, SendMessage
from notes.situation import Situation
from notes.state import State


def send_message(command: SendMessage, situation: Situation) -> NoteEvent:
    if not situation.switched_on(299):
        raise errors.MessagesDisabled
    if not (situation.is_requester or situation.may_execute):
        raise errors.NotPermitted
    rules.require_open(situation)
    wrong = rules.wrong_text("/text_html", command.text)
    if situation.is_requester and command.notify_by_email:
        wrong.append(FieldError("/notify_by_email", "A requester is not told of their own message."))
    rules.refuse(wrong)
    if situation.is_requester:
        return facts.AttendantMessaged(
            **rules.who(command, situation),
            message_id=command.message_id,
            text_html=command.text.html,
            text=command.text.plain,
        )
    return facts.RequesterMessaged(
        **rules.who(command, situation),
        message_id=command.message_id,
        text_html=command.text.html,
        text=command.text.plain,
        notify_by_email=command.notify_by_email,
    )


def post_chat(command: PostChat, situation: Situation) -> NoteEvent:
    if not situation.switched_on(316):
        raise errors.ChatDisabled
    if not (situation.is_requester or situation.may_execute):
        raise errors.NotPermitted
    rules.require_open(situation)
    if not text.shows_something(command.text):
        raise errors.Invalid(FieldError("/text", "The text shows nothing."))
    sender: Literal["requester", "executor"] = "requester" if situation.is_requester else "executor"
    return facts.ChatMessagePosted(
        **rules.who(command, situation),
        message_id=command.message_id,
        sender=sender,
        text=command.text,
        recipient_online=(
            situation.attendant_online if sender == "requester" else situation.requester_online
        ),
    )


def mark_viewed(state: State, command: MarkViewed, situation: Situation) -> list[NoteEvent]:
    if not situation.is_requester:
        raise errors.NotPermitted
    if command.up_to_version > state.version:
        raise errors.Invalid(FieldError("/up_to_version", f"The history ends at version {state.version}."))
    if command.up_to_version <= state.seen_up_to or state.shown_version <= state.seen_up_to:
        return []
    return [
        facts.HistoryViewed(
            **rules.who(command, situation), viewer_id=command.author_id, up_to_version=command.up_to_version
        )
    ]
