"""Hashes, batches and digests of a plan."""

import json
from hashlib import sha256
from typing import Any

import pytest
import rfc8785
from hypothesis import given
from hypothesis import strategies as st

from placet_sync_worker.changes import AttributeChange, Change, Image, Phase, Step
from placet_sync_worker.plan import (
    BATCH_SIZE,
    Draft,
    arrange,
    arrange_whole,
    batch_digest,
    canonical,
    change_hash,
    parse_change,
    plan_digest,
)

MOVE = (Step("rename", Phase.UPDATE, target="cn=b"), Step("modify", Phase.UPDATE))
SALT = b"0123456789abcdef"

TEXTS = st.text(st.characters(exclude_categories=["Cs"]))
NAMES = st.text(st.characters(min_codepoint=0x20, max_codepoint=0x7E))
DOCUMENTS = st.dictionaries(
    NAMES,
    st.recursive(
        st.none() | TEXTS | st.integers(-(2**53) + 1, 2**53 - 1),
        lambda inner: st.lists(inner) | st.dictionaries(NAMES, inner),
        max_leaves=20,
    ),
)


def change(key: str = "7", **fields: Any) -> Change:
    attributes = (AttributeChange("sn", ("Low",), ("Lee", "Łódź")),)
    return Change(key, "update", "cn=a", attributes, (Step("modify", Phase.UPDATE, attributes=("sn",)),), **fields)


@given(DOCUMENTS)
def test_the_canonical_form_is_that_of_rfc_8785(document: dict[str, Any]) -> None:
    assert canonical(document) == rfc8785.dumps(document)


@pytest.mark.parametrize("character", [chr(n) for n in range(0x20)] + ['"', "\\", "/", "\x7f", "\u2028", "\ufeff", "𝄞"])
def test_every_character_that_may_be_escaped_is_as_in_rfc_8785(character: str) -> None:
    assert canonical({"a": character}) == rfc8785.dumps({"a": character})


def test_a_lone_surrogate_is_refused() -> None:
    with pytest.raises(ValueError, match="surrogates not allowed"):
        canonical({"a": "\ud800"})


def test_the_hash_depends_on_salt_and_content_and_survives_storage() -> None:
    document = Draft.of(change()).document
    digest = change_hash(document, SALT)
    assert digest == change_hash(canonical(json.loads(document)), SALT)
    assert digest == f"sha256:{sha256(SALT + rfc8785.dumps(json.loads(document))).hexdigest()}"
    assert digest != change_hash(document, b"another salt 123")
    assert digest != change_hash(Draft.of(change(key="8")).document, SALT)
    assert digest != change_hash(Draft.of(change(version="2")).document, SALT)


def test_the_canonical_form_of_a_change_is_for_ever() -> None:
    assert canonical(change(needs=(0,), container=True)) == (
        b'{"attributes":[{"after":["Lee","\xc5\x81\xc3\xb3d\xc5\xba"],"before":["Low"],"name":"sn"}],"container":true,"dn":"cn=a","id":null,'
        b'"image":[],"key":"7","needs":[0],"op":"update","steps":[{"attributes":["sn"],"part":null,"phase":"update",'
        b'"target":null,"what":"modify"}],"version":null}'
    )


def test_a_change_is_what_its_document_says() -> None:
    parted = Step("modify", Phase.UPDATE, attributes=("member",), part=(0, 1000))
    one = Change(
        "7", "move", "cn=a", (AttributeChange("cn", ("a",), ("b",)),), (*MOVE, parted), "id", "v",
        (Image("title", ("Boss",)),),
    )  # fmt: skip
    assert parse_change(json.dumps(json.loads(canonical(one)))) == one
    draft = Draft.of(one)
    assert (draft.key, draft.op, draft.phases) == ("7", "move", (Phase.UPDATE,) * 3)
    assert draft.change() == one


def test_batches_are_of_one_phase_in_the_order_of_phases_and_bounded() -> None:
    batches = arrange([("h0", (Phase.DISABLE,)), *((f"h{n}", (Phase.CREATE,)) for n in range(1, BATCH_SIZE + 2))])
    assert [(b.phase, b.index, len(b.items)) for b in batches] == [
        (Phase.CREATE, 0, BATCH_SIZE),
        (Phase.CREATE, 1, 1),
        (Phase.DISABLE, 0, 1),
    ]
    assert batches[0].items[0] == (1, (0,))
    assert batches[2].items == ((0, (0,)),)


def test_a_change_with_steps_in_several_phases_stands_in_several_batches() -> None:
    create, update = arrange([("h", (Phase.CREATE, Phase.UPDATE, Phase.UPDATE, Phase.UPDATE))])
    assert create.items == ((0, (0,)),)
    assert update.items == ((0, (1, 2, 3)),)


def test_a_batch_is_checked_by_its_phase_its_place_and_its_changes_in_order() -> None:
    (batch,) = arrange([("h0", (Phase.CREATE,)), ("h1", (Phase.CREATE,))])
    items = [("h0", (0,)), ("h1", (0,))]
    assert batch.digest == batch_digest(Phase.CREATE, 0, items)
    others = [
        batch_digest(Phase.UPDATE, 0, items),
        batch_digest(Phase.CREATE, 1, items),
        batch_digest(Phase.CREATE, 0, items[::-1]),
        batch_digest(Phase.CREATE, 0, items[:1]),
        batch_digest(Phase.CREATE, 0, [("h0", (0,)), ("h1", (1,))]),
    ]
    assert batch.digest not in others


def test_the_plans_digest_knows_a_missing_and_a_swapped_batch() -> None:
    whole = [(Phase.CREATE, 0, "a"), (Phase.CREATE, 1, "b")]
    assert len({plan_digest(whole), plan_digest(whole[:1]), plan_digest(whole[::-1]), plan_digest([])}) == 4


def test_parts_of_a_large_change_cover_it_once_and_add_before_they_remove() -> None:
    one = AttributeChange("member", tuple("abcd"), tuple("cdefg"))
    parts = [one.part(first, first + 2) for first in range(0, 5, 2)]
    assert parts == [(("e", "f"), ()), (("g",), ("a",)), ((), ("b",))]


def test_a_plan_for_what_is_written_as_a_whole_is_one_batch() -> None:
    count = BATCH_SIZE + 1
    changes = [(f"h{n}", (Phase.CREATE, Phase.UPDATE)) for n in range(count)] + [("gone", (Phase.DELETE,))]
    (batch,) = arrange_whole(changes)
    assert (batch.phase, batch.index, len(batch.items)) == (Phase.UPDATE, 0, count + 1)
    assert (batch.items[0], batch.items[-1]) == ((0, (0, 1)), (count, (0,)))
    assert batch.digest != arrange_whole(changes[1:])[0].digest
    assert arrange_whole([]) == ()
