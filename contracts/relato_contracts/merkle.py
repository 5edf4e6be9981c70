"""Trees of hashes that only grow, and proofs about them: RFC 9162, section 2.1.

A tree is never in memory as a whole: of its nodes those are kept that will never change, which are the roots
of its complete subtrees. A node is named by its level (0 for leaves) and its place on that level.
"""

from collections.abc import Callable, Iterable, Sequence
from hashlib import sha256
from typing import NamedTuple


class Node(NamedTuple):
    """The root of a complete subtree of two to the power of ``level`` leaves."""

    level: int
    place: int


Range = tuple[int, int]
"""Leaves from the first number up to and without the second: a subtree, complete or the tree's right edge."""
Read = Callable[[Node], bytes]
"""Gives the hash of a node."""

EMPTY = sha256().digest()


def leaf(data: bytes) -> bytes:
    """The hash of a leaf."""
    return sha256(b"\x00" + data).digest()


def parent(left: bytes, right: bytes) -> bytes:
    """The hash above two."""
    return sha256(b"\x01" + left + right).digest()


def edge(size: int) -> list[Node]:
    """The nodes of which a tree of that size is made, from left to right, the largest first."""
    return nodes((0, size))


def nodes(given: Range) -> list[Node]:
    """The nodes of which a subtree is made, from left to right."""
    begin, end = given
    found = []
    while begin < end:
        level = (end - begin).bit_length() - 1
        found.append(Node(level, begin >> level))
        begin += 1 << level
    return found


def fold(hashes: Sequence[bytes]) -> bytes:
    """The root above the nodes that ``nodes`` gives."""
    if not hashes:
        return EMPTY
    root = hashes[-1]
    for left in reversed(hashes[:-1]):
        root = parent(left, root)
    return root


def grow(
    size: int, right_edge: Sequence[bytes], leaves: Iterable[bytes]
) -> tuple[list[tuple[Node, bytes]], bytes]:
    """Add leaves' hashes to a tree whose edge is known: the nodes that are complete now, and the new root."""
    stack, made = list(right_edge), []
    for added in leaves:
        node, place = Node(0, size), added
        made.append((node, place))
        while (size >> node.level) & 1:
            place = parent(stack.pop(), place)
            node = Node(node.level + 1, node.place >> 1)
            made.append((node, place))
        stack.append(place)
        size += 1
    return made, fold(stack)


def inclusion(index: int, size: int) -> list[Range]:
    """The subtrees whose roots prove that a leaf is in a tree, from the leaf upwards (2.1.3.1)."""
    begin, end = 0, size
    path = []
    while end - begin > 1:
        middle = begin + _split(end - begin)
        if index < middle:
            path.append((middle, end))
            end = middle
        else:
            path.append((begin, middle))
            begin = middle
    return path[::-1]


def consistency(old: int, new: int) -> list[Range]:
    """The subtrees whose roots prove that a tree begins with an older one (2.1.4.1); both have leaves."""
    begin, end = 0, new
    path = []
    while old < end:
        middle = begin + _split(end - begin)
        if old <= middle:
            path.append((middle, end))
            end = middle
        else:
            path.append((begin, middle))
            begin = middle
    if begin > 0:
        path.append((begin, end))
    return path[::-1]


def root_by_inclusion(hashed: bytes, index: int, size: int, proof: Sequence[bytes]) -> bytes | None:
    """The root that a leaf's hash has by a proof (2.1.3.2); None for what is no proof."""
    if not 0 <= index < size:
        return None
    place, last, root = index, size - 1, hashed
    for each in proof:
        if last == 0:
            return None
        if place & 1 or place == last:
            root = parent(each, root)
            while not place & 1 and place:
                place, last = place >> 1, last >> 1
        else:
            root = parent(root, each)
        place, last = place >> 1, last >> 1
    return root if last == 0 else None


def is_consistent(old: int, new: int, old_root: bytes, new_root: bytes, proof: Sequence[bytes]) -> bool:
    """Whether the newer tree begins with the older one, by a proof (2.1.4.2)."""
    if old == new:
        return not proof and old_root == new_root
    if old == 0:
        return not proof and old_root == EMPTY  # every tree begins with the empty one
    if not 0 < old < new:
        return False
    hashes = [old_root, *proof] if old & (old - 1) == 0 else list(proof)
    if not hashes:
        return False
    place, last = old - 1, new - 1
    while place & 1:
        place, last = place >> 1, last >> 1
    before = now = hashes[0]
    for each in hashes[1:]:
        if last == 0:
            return False
        if place & 1 or place == last:
            before, now = parent(each, before), parent(each, now)
            while not place & 1 and place:
                place, last = place >> 1, last >> 1
        else:
            now = parent(now, each)
        place, last = place >> 1, last >> 1
    return last == 0 and (before, now) == (old_root, new_root)


def proof(path: Sequence[Range], read: Read) -> list[bytes]:
    """The hashes of subtrees, from nodes that are kept."""
    return [fold([read(node) for node in nodes(each)]) for each in path]


def _split(size: int) -> int:
    """The largest power of two that is smaller."""
    return 1 << (size - 1).bit_length() - 1
