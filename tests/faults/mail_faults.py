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


async def refuses(under: Under) -> None:
    """It does not take connections, and drops those that there are."""
    mails = under.site.mails
    await under.midway(0.05, 0.15)
    await mails.close()
    try:
        await under.load.reached(_SHARE)
    finally:
        await mails.open()
