"""A mail server that misbehaves in each known way, and then behaves again."""

from tests.faults.run import Fault, Under
from tests.support.waiting import until

_SHARE = 0.5


def mood(mood: str) -> Fault:
    """It treats every content like this for half of the load."""

    async def fault(under: Under) -> None:
        mails = under.site.mails
        await under.midway(0.05, 0.15)
        before = len(mails.contents)
        mails.mood = mood
        try:
            await under.load.reached(_SHARE)

            async def met() -> bool:
                return len(mails.contents) >= before + 3

            await until(met, within=30, what="mails to meet the fault")
            if mood == "slow":
                await under.load.reached(0.7)
        finally:
            mails.mood = "250 taken"
            mails.patience.set()
            mails.patience.clear()

    return fault


async def late(under: Under) -> None:
    """It takes its time, and less than it may: whatever it takes is known to be accepted."""
    begin = len(under.site.mails.contents)
    await mood("late")(under)
    met = {each.message_id for each in under.site.mails.contents[begin:]}

    async def accepted() -> list[str]:
        async with under.site.sql("notifier") as sql:
            rows = await sql.fetch(
                "SELECT message_id, state FROM mails"
                " WHERE ticket_id = ANY($1::text[]) AND state IN ('uncertain', 'dead', 'rejected')",
                sorted(under.load.tickets),
            )
        return [
            f"the mail {row['message_id']} was answered in time and is {row['state']}"
            for row in rows
            if (row["message_id"] or "").strip() in met
        ]

    under.checks.append(accepted)


async def refuses(under: Under) -> None:
    """It does not take connections, and drops those that there are."""
    mails = under.site.mails
    await under.midway(0.05, 0.15)
    await mails.close()
    try:
        await under.load.reached(_SHARE)
    finally:
        await mails.open()
