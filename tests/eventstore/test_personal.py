"""Personal facts are sealed, and forgotten with their key."""

import base64
import json
from typing import Annotated
from uuid import UUID, uuid4

import pytest
from eventsourcing.domain import event

from eventstore import history, log, personal
from eventstore.application import EventSourced, load
from eventstore.domain import Aggregate, value
from eventstore.mapper import shape
from eventstore.models import Event, Snapshot
from eventstore.persistence import LogRecorder, rows
from eventstore.personal import Forgotten, KeyUnavailable
from eventstore.sealing import Personal, PersonalOf

pytestmark = pytest.mark.django_db
app = EventSourced()
OLD, NEW = (f"{name}:{base64.b64encode(name.encode() * 8).decode()}" for name in ("2025", "2026"))


@pytest.fixture(autouse=True)
def one_key(settings):
    settings.EVENTSTORE_KEYS = [OLD]


@value
class Place:
    street: str
    town: str


class Patient(Aggregate):
    snapshot_every = 1
    name: str
    ward: str

    @event("Admitted")
    def __init__(self, name: Personal[str], ward: str) -> None:
        self.name, self.ward = name, ward

    @event("Moved")
    def move(self, home: Personal[Place | None]) -> None:
        self.home = home


class Visit(Aggregate):
    @event("Made")
    def __init__(self, patient_id: UUID | None, visitor: Annotated[str, PersonalOf("patient_id")]) -> None:
        self.patient_id, self.visitor = patient_id, visitor


def admitted(name="Ada Byron"):
    app.record(patient := Patient(name, "7b"))
    return patient


def test_a_personal_fact_lies_sealed_in_the_log_and_is_read_open():
    patient = admitted()
    patient.move(Place("1 Quay Street", "Whitby"))
    app.record(patient)

    stored = b"".join(bytes(data) for data in Event.objects.values_list("data", flat=True))

    assert b"Ada" not in stored
    assert b"Quay" not in stored
    assert b'"ward":"7b"' in stored
    assert (load(patient.id).name, load(patient.id).home) == ("Ada Byron", Place("1 Quay Street", "Whitby"))
    assert json.loads(log.of([patient.id])[0].data) == {"name": "Ada Byron", "ward": "7b"}


def test_after_forgetting_it_is_read_as_erased_everywhere():
    patient, other = admitted(), admitted("Charles Babbage")
    patient.move(Place("1 Quay Street", "Whitby"))
    app.record(patient)

    assert personal.forget(patient.id)

    then = load(patient.id)
    assert (then.name, then.ward, then.home) == ("[erased]", "7b", Place("[erased]", "[erased]"))
    assert load(patient.id, 1).name == history.at(patient.id, history.moment("v1")).name == "[erased]"
    assert json.loads(log.after(0, ["Patient.Admitted"])[0].data)["name"] == "[erased]"
    assert history.of(patient.id)[0].facts["name"] == "[erased]"
    assert load(other.id).name == "Charles Babbage"


def test_a_fact_may_be_of_somebody_elses():
    patient = admitted()
    app.record(visit := Visit(patient.id, "Mary"))
    app.record(anonymous := Visit(None, "Jane"))

    personal.forget(patient.id)

    assert (load(visit.id).visitor, load(anonymous.id).visitor) == ("[erased]", "Jane")


def test_of_who_was_forgotten_nothing_more_is_recorded():
    patient = admitted()
    personal.forget(patient.id)

    patient.move(Place("2 New Street", "York"))
    with pytest.raises(Forgotten, match="nothing more can be recorded"):
        app.record(patient)

    assert load(patient.id).version == 1
    assert not personal.forget(patient.id)


def test_what_is_nothing_is_not_sealed():
    patient = admitted()
    patient.move(None)
    app.record(patient)

    assert load(patient.id).home is None


def test_no_snapshot_of_personal_facts_is_kept():
    admitted()

    assert not Snapshot.objects.exists()


def test_a_sealed_fact_opens_only_where_it_was_sealed():
    patient = admitted()
    (stored,) = LogRecorder().select_events(patient.id)
    moved = uuid4()
    rows(
        "insert into eventstore_personal_key select %s, wrapped, wrapped_by from eventstore_personal_key returning 1",
        moved,
    )
    LogRecorder().insert_events([type(stored)(moved, 1, stored.topic, stored.state)])

    with pytest.raises(KeyUnavailable, match="does not open"):
        load(moved)


def test_a_lost_key_is_an_error_and_not_an_erasure():
    patient = admitted()
    rows("delete from eventstore_personal_key returning 1")

    with pytest.raises(KeyUnavailable, match=f"There is no key, and no sign of forgetting, for {patient.id}"):
        load(patient.id)


@pytest.mark.parametrize(
    ("keys", "problem"),
    [
        ([], "EVENTSTORE_KEYS is empty"),
        ([NEW], "wrapped by '2025', and EVENTSTORE_KEYS has only 2026"),
        ([OLD, OLD], "two keys are called '2025'"),
        (["2025:short"], "expected NAME:BASE64 of 32 bytes"),
        (["2025:" + NEW.partition(":")[2]], "does not open"),
    ],
)
def test_without_the_right_key_nothing_is_read_and_nothing_is_shown(settings, keys, problem):
    patient = admitted()
    settings.EVENTSTORE_KEYS = keys

    with pytest.raises(KeyUnavailable, match=problem):
        load(patient.id)


def test_the_wrapping_key_can_be_rotated(settings):
    patient, forgotten = admitted(), admitted()
    personal.forget(forgotten.id)
    settings.EVENTSTORE_KEYS = [NEW, OLD]

    assert personal.rewrap() == 1

    settings.EVENTSTORE_KEYS = [NEW]
    assert (load(patient.id).name, load(forgotten.id).name) == ("Ada Byron", "[erased]")


def test_a_pseudonym_is_always_the_same_and_is_nothing_without_the_key(settings):
    first = personal.pseudonym("email", "ada@example.com")
    settings.EVENTSTORE_KEYS = [NEW, OLD]
    personal.rewrap()
    settings.EVENTSTORE_KEYS = [NEW]

    assert personal.pseudonym("email", "ada@example.com") == first
    assert personal.pseudonym("phone", "ada@example.com") != first
    settings.EVENTSTORE_KEYS = [OLD]
    with pytest.raises(KeyUnavailable):
        personal.pseudonym("email", "ada@example.com")
    rows("delete from eventstore_personal_key returning 1")
    assert personal.pseudonym("email", "ada@example.com") != first, "another store, another key"


def test_only_text_can_be_personal():
    class Wrong(Aggregate):
        @event("Made")
        def __init__(self, age: Personal[int]) -> None:
            self.age = age

    with pytest.raises(TypeError, match="only text"):
        shape("Wrong.Made")
