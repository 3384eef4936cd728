import dataclasses
import pickle
from datetime import UTC, datetime
from uuid import UUID

import pytest

from factos_django import InvalidAppend, InvalidMetadata, InvalidTag, Proposed, Recorded, UnregisteredEvent

ID = UUID(int=1)


def recorded(**changes):
    values = {
        "event": "opened",
        "position": 1,
        "id": ID,
        "type": "Opened",
        "version": 1,
        "tags": ("x",),
        "metadata": {"actor": "ada"},
        "recorded_at": datetime(2026, 1, 1, tzinfo=UTC),
    }
    return Recorded(**(values | changes))


def test_a_proposal_needs_no_more_than_the_event():
    assert Proposed("opened") == Proposed("opened", id=None, tags=(), metadata=None)


def test_a_proposal_keeps_each_tag_once_and_a_copy_of_its_metadata():
    metadata = {"actor": "ada"}
    proposal = Proposed("opened", id=ID, tags=["b", "a", "b"], metadata=metadata)
    metadata["actor"] = "eve"
    assert (proposal.tags, proposal.metadata) == (("b", "a"), {"actor": "ada"})


@pytest.mark.parametrize("id", ["00000000-0000-0000-0000-000000000001", 1, b"x" * 16])
def test_an_id_is_a_uuid(id):
    with pytest.raises(InvalidAppend, match=r"uuid\.UUID"):
        Proposed("opened", id=id)


@pytest.mark.parametrize("tags", ["text", [""], ["a\n"], [7], ["x" * 256]])
def test_bad_tags_are_refused_at_birth(tags):
    with pytest.raises(InvalidTag):
        Proposed("opened", tags=tags)


@pytest.mark.parametrize("metadata", [{"a": []}, {"idempotency_key": "k"}, {"a": "\x00"}, "text"])
def test_bad_metadata_is_refused_at_birth(metadata):
    with pytest.raises(InvalidMetadata):
        Proposed("opened", metadata=metadata)


def test_events_do_not_change_and_can_be_put_in_sets():
    for each in (Proposed("a", metadata={"n": 1}), recorded(), UnregisteredEvent("Gone", 1, {"a": [1]})):
        assert len({each, dataclasses.replace(each)}) == 1
        with pytest.raises(dataclasses.FrozenInstanceError):
            setattr(each, dataclasses.fields(each)[0].name, "other")


def test_a_recorded_event_has_each_of_its_values_under_its_own_name():
    given = recorded(version=2)
    values = {field.name: getattr(given, field.name) for field in dataclasses.fields(Recorded)}
    assert len(set(map(repr, values.values()))) == len(values)
    assert Recorded(**values) == Recorded(*values.values()) == given
    assert dataclasses.asdict(given) == values
    assert pickle.loads(pickle.dumps(given)) == given


def test_recorded_events_are_equal_if_all_of_them_is():
    assert recorded() == recorded()
    assert recorded() != recorded(metadata={"actor": "eve"})
    assert recorded() != recorded(position=2)
