"""A mail that may not have come: whoever executes the ticket decides about it beside it."""

from playwright.async_api import expect

from tests.browser.conftest import SignedIn
from tests.support.journey import Ticket


async def test_an_executor_decides_about_a_mail_that_may_not_have_come(
    window: SignedIn, ticket: Ticket, ana_address: str
) -> None:
    seen = len(ticket.mailbox.seen)
    ticket.mailbox.answers[ana_address] = ["cut", "cut"]
    for text in ("<p>A rede voltou.</p>", "<p>Reinicie o notebook.</p>"):
        note = await ticket.record(
            description_html=text, visible_to_requester=True, notify_by_email=True, hold_seconds=0
        )
        assert (await ticket.outcomes(note["version"]))[0]["awaits_decision"] is True
    carlos = await window("carlos", f"/desk/tickets/{ticket.id}")
    marina = await window("marina", f"/desk/tickets/{ticket.id}")
    page = carlos.page
    newer, older = page.get_by_role("article").nth(0), page.get_by_role("article").nth(1)
    await expect(older).to_contain_text("não se sabe se chegou")
    await carlos.look("mail-uncertain")

    await newer.get_by_role("button", name="Enviar de novo").click()
    dialog = page.get_by_role("dialog")
    await expect(dialog).to_contain_text(ana_address)
    await expect(dialog).to_contain_text("duas vezes")
    await carlos.look("mail-resend")
    await dialog.get_by_label("Motivo").fill("Ela não recebeu")
    await dialog.get_by_role("button", name="Enviar de novo").click()
    for each in (newer, marina.page.get_by_role("article").nth(0)):
        await expect(each).to_contain_text("aceito às")
        await expect(each).to_contain_text("Carlos Eduardo Nunes decidiu enviar de novo")
        await expect(each).to_contain_text("Ela não recebeu")
        await expect(each.get_by_role("button", name="Deixar assim")).to_have_count(0)
    await expect(dialog).to_have_count(0)
    assert ticket.mailbox.seen[seen:] == [ana_address] * 3

    # Two decide: the second hears that it has been done.
    mine = marina.page.get_by_role("article").nth(1)
    await mine.get_by_role("button", name="Enviar de novo").click()
    asked = marina.page.get_by_role("dialog")
    await older.get_by_role("button", name="Deixar assim").click()
    await dialog.get_by_role("button", name="Deixar assim").click()
    await expect(older).to_contain_text("Carlos Eduardo Nunes deixou assim")
    await expect(older).to_be_focused()
    marina.expected.append("status of 409")
    await asked.get_by_role("button", name="Enviar de novo").click()
    await expect(asked.get_by_role("alert")).to_contain_text("outra pessoa já decidiu")
    await marina.look("mail-decided-elsewhere")
    await page.reload()
    await expect(older).to_contain_text("não se sabe se chegou")
    await expect(older.get_by_role("button", name="Enviar de novo")).to_have_count(0)
    await carlos.look("mail-decided")
    assert ticket.mailbox.seen[seen:] == [ana_address] * 3


async def test_an_executor_decides_about_a_mail_about_chat_that_may_not_have_come(
    window: SignedIn, ticket: Ticket, ana_address: str
) -> None:
    ticket.mailbox.answers[ana_address] = ["cut"]
    carlos = await window("carlos", f"/desk/tickets/{ticket.id}")
    page = carlos.page
    await ticket.done("carlos", "/chat", {"text": "Ainda está aí?"})
    mail = page.get_by_role("listitem").filter(has_text="não se sabe se chegou")
    await expect(mail).to_contain_text(ana_address, timeout=20_000)
    await page.reload()
    await carlos.look("mail-chat-uncertain")
    await mail.get_by_role("button", name="Deixar assim").click()
    await page.get_by_role("dialog").get_by_role("button", name="Deixar assim").click()
    await expect(mail).to_contain_text("Carlos Eduardo Nunes deixou assim")
    await expect(mail.get_by_role("button", name="Enviar de novo")).to_have_count(0)
