"""What a company with a long past feels of it: the same figures at 10,000 events and at a million.

What a figure itself records comes on top, before and after: that of commands some 50,000 events. Relay and
mail have a log and a ledger of their own with as many events in them; the projector's rates are those at the
beginning and at the end of so many.
"""

from collections.abc import Iterator
from statistics import mean

from tests.bench import commands, end_to_end, history, mail, past, projection, relay, results, streams
from tests.bench.scene import Scene, connected


async def measure(scene: Scene, before: results.Results) -> results.Growth:
    """Each figure again after the log has grown; what there is of ``before`` is not measured twice."""
    few = await past.events(scene)
    earlier = results.Grown(
        commands=before.commands or await commands.measure(scene),
        end_to_end=before.end_to_end or await end_to_end.measure(scene),
        streams=before.streams or await streams.measure(scene),
        history=before.history or await history.measure(scene),
        relay=before.relay or await relay.measure(scene),
        mail=before.mail or await mail.measure(scene),
    )
    await past.grow(scene)
    after = results.Grown(
        commands=await commands.measure(scene),
        end_to_end=await end_to_end.measure(scene),
        streams=await streams.measure(scene),
        history=await history.measure(scene),
        relay=await relay.measure(scene, past.MANY),
        mail=await mail.measure(scene, past.MANY),
    )
    projected = await projection.growing(scene)
    ratios = dict(_ratios(earlier, after)) | {"projection": projected.before / projected.after}
    return results.Growth(
        ratio=round(max(ratios.values()), 3),
        by_figure={name: round(ratio, 3) for name, ratio in ratios.items()},
        events=results.Change(before=few, after=await past.events(scene)),
        tickets=await past.tickets(scene),
        projected_per_s=projected,
        bytes_per_event=await _sizes(scene),
        after=after,
    )


def _ratios(before: results.Grown, after: results.Grown) -> Iterator[tuple[str, float]]:
    """How many times as slow.

    Where something is measured beside a figure, by how much less of that it is: then a machine that has
    become slower meanwhile does not count.
    """
    for one, other in zip(before.commands, after.commands, strict=True):
        yield f"commands_{one.clients}", _less(one, other)
    yield "relay", _less(before.relay, after.relay)
    yield "mail", _less(before.mail, after.mail)
    for name in ("histories", "stream", "mail"):
        one_p50, other_p50 = (getattr(each.end_to_end, name).p50_ms for each in (before, after))
        yield f"end_to_end_{name}", other_p50 / one_p50
    yield "history", _page(after.history) / _page(before.history)
    yield "history_pages_per_s", before.history.pages_per_s / after.history.pages_per_s
    yield "streams", after.streams.all_ms / before.streams.all_ms


def _less(one: results.Beside, other: results.Beside) -> float:
    return (one.rate / one.limit) / (other.rate / other.limit)


def _page(found: results.History) -> float:
    """The median of an average page."""
    return mean(page.p50_ms for each in found.by_size for page in (each.first, each.middle))


async def _sizes(scene: Scene) -> dict[str, results.Size]:
    """Bytes of each large table and of its indexes, for each event in the log."""
    events = await past.events(scene)
    sizes: dict[str, results.Size] = {}
    for database in ("notes", "history"):
        async with connected(scene.database(database)) as connection:
            rows = await connection.fetch(
                """
                SELECT relname, pg_table_size(oid) AS rows, pg_indexes_size(oid) AS indexes
                FROM pg_class WHERE relkind = 'r' AND pg_total_relation_size(oid) > 10000000 ORDER BY relname
                """
            )
        for row in rows:
            sizes[row["relname"]] = results.Size(rows=row["rows"] // events, indexes=row["indexes"] // events)
    return sizes
