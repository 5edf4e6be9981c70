"""Checkpoints as others write and read them."""

import base64

import pytest
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PublicKey
from relato_contracts import checkpoints
from relato_contracts.checkpoints import Checkpoint

# The example of the specification of signed notes (Go, golang.org/x/mod/sumdb/note).
PETER = "PeterNeumann+c74f20a3+ARpc2QcUPDhMQegwxbzhKqiBfsVkmqq/LDE4izWy10TW"
TEXT = "If you think cryptography is the answer to your problem,\nthen you don't know what your problem is.\n"
SIGNED = "x08go/ZJkuBS9UG/SffcvIAQxVBtiFupLLr8pAcElZInNIuGUgYN1FFYC2pZSNXgKvqfqdngotpRZb6KE6RyyBwJnAM="
EXAMPLE = (
    "example.com/behind-the-sofa\n20852163\nCsUYapGGPo4dkMgIAUqom/Xajj7h2fB2MPA3j2jxq2I=\n\n"
    "\u2014 example.com/behind-the-sofa "
    "Az3grlgtzPICa5OS8npVmf1Myq/5IZniMp+ZJurmRDeOoRDe4URYN7u5/Zhcyv2q1gGzGku9nTo+zyWE+xeMcTOAYQ8=\n"
)


def test_a_key_and_its_signatures_are_those_of_other_programs() -> None:
    key = checkpoints.key(PETER)
    assert (key.name, key.id.hex(), key.line()) == ("PeterNeumann", "c74f20a3", PETER)
    raw = base64.b64decode(SIGNED)
    assert raw[:4] == key.id
    Ed25519PublicKey.from_public_bytes(key.public).verify(raw[4:], TEXT.encode())


def test_a_checkpoint_is_read_as_it_was_written() -> None:
    found, text, signatures = checkpoints.read(EXAMPLE)
    assert (found.origin, found.size, found.text()) == ("example.com/behind-the-sofa", 20852163, text)
    assert [each.name for each in signatures] == ["example.com/behind-the-sofa"]
    key = checkpoints.key(PETER)
    note = checkpoints.signed(Checkpoint("a", 7, bytes(32)), key, bytes(64))
    again, _, (signature,) = checkpoints.read(note)
    assert again == Checkpoint("a", 7, bytes(32))
    assert (signature.key_id, signature.signature) == (key.id, bytes(64))


@pytest.mark.parametrize(
    "note",
    [
        "", "\n", "a\n1\n", EXAMPLE[:-1], EXAMPLE.replace("\n\n", "\n"), EXAMPLE.replace("20852163", "-1"),
        EXAMPLE.replace("20852163", "020852163"), EXAMPLE.replace("CsUY", "Cs"),
        EXAMPLE.replace("\u2014", "-"),
        EXAMPLE.replace("Az3g", "Az"), EXAMPLE.replace("example.com/behind-the-sofa\n2", "\n2"),
    ],
)  # fmt: skip
def test_what_is_no_checkpoint_is_none(note: str) -> None:
    with pytest.raises(ValueError, match=r"."):
        checkpoints.read(note)


@pytest.mark.parametrize(
    "line", ["", "x", PETER.replace("c74f", "c74e"), PETER[:-4], PETER.replace("+AR", "+BR")]
)
def test_what_is_no_key_is_none(line: str) -> None:
    with pytest.raises(ValueError, match=r"."):
        checkpoints.key(line)
