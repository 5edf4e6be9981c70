"""Trees that only grow: what RFC 9162 says of them, beside the plain recursion that it defines them by."""

from collections.abc import Sequence

import pytest
from hypothesis import given
from hypothesis import strategies as st
from relato_contracts import merkle
from relato_contracts.merkle import Node

# The leaves and roots of Certificate Transparency's own tests (reference implementation, merkletree_test).
LEAVES = [bytes.fromhex(each) for each in (
    "", "00", "10", "2021", "3031", "40414243", "5051525354555657", "606162636465666768696a6b6c6d6e6f",
)]  # fmt: skip
ROOTS = [
    "6e340b9cffb37a989ca544e6bb780a2c78901d3fb33738768511a30617afa01d",
    "fac54203e7cc696cf0dfcb42c92a1d9dbaf70ad9e621f4bd8d98662f00e3c125",
    "aeb6bcfe274b70a14fb067a5e5578264db0fa9b51af5e0ba159158f329e06e77",
    "d37ee418976dd95753c1c73862b9398fa2a2cf9b4ff0fdfe8b30cd95209614b7",
    "4e3bbb1f7b478dcfe71fb631631519a3bca12c9aefca1612bfce4c13a86264d4",
    "76e67dadbcdf1e10e1b74ddc608abd2f98dfb16fbce75277b5232a127f2087ef",
    "ddb89be403809e325750d3d263cd78929c2942b7942a34b77e122c9594a74c8c",
    "5dc9da79a70659a9ad559cb701ded9a2ab9d823aad2f4960cfe370eff4604328",
]


def plain(leaves: Sequence[bytes]) -> bytes:
    """MTH of section 2.1.1, as it is written there."""
    if len(leaves) <= 1:
        return merkle.leaf(leaves[0]) if leaves else merkle.EMPTY
    split = 1
    while split * 2 < len(leaves):
        split *= 2
    return merkle.parent(plain(leaves[:split]), plain(leaves[split:]))


class Tree:
    """A tree whose nodes are kept, made in pieces."""

    def __init__(self, size: int, piece: int) -> None:
        self.leaves = [number.to_bytes(4) for number in range(size)]
        self.nodes: dict[Node, bytes] = {}
        self.root = merkle.EMPTY
        for begin in range(0, size, piece):
            right_edge = [self.nodes[node] for node in merkle.edge(begin)]
            more = map(merkle.leaf, self.leaves[begin : begin + piece])
            made, self.root = merkle.grow(begin, right_edge, more)
            self.nodes |= dict(made)


sizes = st.integers(1, 200)


def test_roots_are_those_that_everybody_else_has() -> None:
    for size, expected in enumerate(ROOTS, 1):
        _, root = merkle.grow(0, [], map(merkle.leaf, LEAVES[:size]))
        assert root.hex() == expected
    assert merkle.EMPTY.hex() == "e3b0c44298fc1c149afbf4c8996fb92427ae41e4649b934ca495991b7852b855"


@given(sizes, st.integers(1, 50))
def test_a_tree_is_the_same_however_it_has_grown(size: int, piece: int) -> None:
    tree = Tree(size, piece)
    assert tree.root == plain(tree.leaves)
    assert merkle.fold([tree.nodes[node] for node in merkle.edge(size)]) == tree.root


@given(st.data(), sizes)
def test_each_leaf_is_proved_by_few_hashes_and_no_other_leaf_by_them(data: st.DataObject, size: int) -> None:
    tree = Tree(size, size)
    index = data.draw(st.integers(0, size - 1))
    proof = merkle.proof(merkle.inclusion(index, size), tree.nodes.__getitem__)
    assert len(proof) <= (size - 1).bit_length()
    assert merkle.root_by_inclusion(merkle.leaf(tree.leaves[index]), index, size, proof) == tree.root
    assert merkle.root_by_inclusion(merkle.leaf(b"other"), index, size, proof) != tree.root
    other = data.draw(st.integers(-1, size + 1))
    if other != index:
        assert merkle.root_by_inclusion(merkle.leaf(tree.leaves[index]), other, size, proof) != tree.root
    assert (
        merkle.root_by_inclusion(
            merkle.leaf(tree.leaves[index]), index, size, [*proof, proof[0] if proof else b""]
        )
        is None
    )


@given(st.data(), sizes)
def test_a_tree_proves_that_it_begins_with_an_older_one_and_no_other_does(
    data: st.DataObject, size: int
) -> None:
    tree = Tree(size, size)
    old = data.draw(st.integers(1, size))
    before = plain(tree.leaves[:old])
    proof = merkle.proof(merkle.consistency(old, size), tree.nodes.__getitem__)
    assert merkle.is_consistent(old, size, before, tree.root, proof)
    changed = list(tree.leaves)
    changed[data.draw(st.integers(0, old - 1))] = b"other"
    assert not merkle.is_consistent(old, size, plain(changed[:old]), tree.root, proof)
    assert not merkle.is_consistent(old, size, before, plain(changed), proof)
    assert not merkle.is_consistent(old, size, before, tree.root, [*proof, before])


@pytest.mark.parametrize("old", [0, 1, 7, 9])
def test_what_cannot_be_is_not_consistent(old: int) -> None:
    assert merkle.is_consistent(old, 7, bytes(32), bytes(32), []) is (old == 7)


def test_every_tree_begins_with_the_empty_one() -> None:
    assert merkle.is_consistent(0, 7, merkle.EMPTY, bytes(32), [])
