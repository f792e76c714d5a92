"""The admin's pages of projections and parked events: who may do what, and the trace that it leaves."""

import re
from datetime import timedelta
from typing import Any

import pytest
from django.contrib.admin.models import LogEntry
from django.contrib.auth.models import Permission, User
from django.test import Client
from django.urls import reverse
from django.utils import timezone

from eventstore import log
from projections import engine
from projections.models import Checkpoint, Errand, Parked
from projections.operations import pause
from projections.projection import Policy, Projection, known, on
from tests.lending.domain import Member
from tests.lending.models import Borrower
from tests.lending.story import library
from tests.projections.conftest import LOANS

pytestmark = pytest.mark.django_db

LIST, PARKED = reverse("admin:projections_checkpoint_changelist"), reverse("admin:projections_parked_changelist")


def page_of(found: Checkpoint | Parked) -> str:
    return reverse(f"admin:{found._meta.label_lower.replace('.', '_')}_change", args=[found.pk])


def asking(action: str, *found: Checkpoint | Parked) -> str:
    (model,) = {each._meta.label_lower.replace(".", "_") for each in found}
    return f"{reverse(f'admin:{model}_act', args=[action])}?{'&'.join(f'of={each.pk}' for each in found)}"


def messages_of(answer: Any) -> list[str]:
    return [str(each) for each in answer.context["messages"]]


@pytest.fixture
def loans() -> Checkpoint:
    library.record(Member("Ada"))
    engine.catch_up()
    return Checkpoint.objects.get(name="Loans")


@pytest.fixture
def desk(client: Client) -> Client:
    """Signed in as a superuser."""
    client.force_login(User.objects.create_superuser("desk"))
    return client


@pytest.fixture
def looker(client: Client) -> Client:
    """Signed in as staff who may only look."""
    user = User.objects.create_user("looker", is_staff=True)
    user.user_permissions.set(Permission.objects.filter(codename__in=("view_checkpoint", "view_parked")))
    client.force_login(user)
    return client


@pytest.fixture
def failed(made_up: None, loans: Checkpoint) -> Parked:
    """An event that failed, before one that waits behind it."""

    class Members(Projection):
        tables = (Borrower,)

        @on("Member.Joined")
        def joined(self, name: str) -> None:
            raise ValueError(f"cannot stand {name}")

        @on("Member.Renamed")
        def renamed(self, borrower: Borrower) -> None: ...

    bob = Member("Bob")
    library.record(bob)
    bob.rename("Bobby")
    library.record(bob)
    Checkpoint.objects.create(name="Members", projection="Members", position=log.horizon() - 2)
    engine.catch_up([known()["Members"]])
    return Parked.objects.get(error__contains="cannot stand Bob")


def test_each_projection_has_one_line_whatever_its_checkpoints(desk: Client, loans: Checkpoint) -> None:
    for low, part in ((0, "[0-127]"), (128, "[128-255]")):
        Checkpoint.objects.create(name=f"Shelves{part}", projection="Shelves", position=1, low=low)
    Checkpoint.objects.filter(name="Shelves").delete()
    Checkpoint.objects.create(name="Loans/rebuild_Loans", projection="Loans", schema="rebuild_Loans")
    Checkpoint.objects.create(name="Gone", projection="Gone")

    rows = desk.get(LIST).context["cl"].result_list

    assert sorted(row.projection for row in rows) == sorted(known())
    assert {row.projection: row.pk for row in rows}["Shelves"] == "Shelves[0-127]"
    assert {row.projection: row.status.context for row in rows}["Shelves"] == "lending"
    assert {row.projection: row.status.position for row in rows}["Loans"] == loans.position
    assert f"{loans.position:,} of {log.horizon():,}" in desk.get(LIST).content.decode()


def test_what_is_wrong_comes_first(desk: Client, failed: Parked) -> None:
    rows = desk.get(LIST).context["cl"].result_list

    assert [row.projection for row in rows if row.wrong] == ["Members"]
    assert [row.projection for row in rows] == ["Members", *sorted(known().keys() - {"Members"})]


def test_one_that_never_ran_is_missed(desk: Client, loans: Checkpoint) -> None:
    Checkpoint.objects.filter(name="Books").delete()

    assert messages_of(desk.get(LIST)) == ["Never run yet: Books. Is a worker there?"]


def test_a_page_tells_all_that_is_known(desk: Client, loans: Checkpoint) -> None:
    pause(LOANS, by="grace", reason="a stocktaking")
    Checkpoint.objects.filter(name="Loans").update(
        error="Loans cannot apply Member.Left", error_position=1, refused_version=1, refused_why="rows differ"
    )
    Checkpoint.objects.create(name="Loans/old_Loans", projection="Loans", schema="old_Loans", version=41)

    told = desk.get(page_of(loans)).content.decode()

    for fact in ("by grace: a stocktaking", "Loans cannot apply Member.Left", "rows differ", "of version 41"):
        assert fact in told
    assert 'href="/admin/eventstore/event/1/"' in told


def test_a_pause_asks_for_a_reason_and_leaves_a_trace(desk: Client, loans: Checkpoint) -> None:
    asked = desk.get(asking("pause", loans))
    empty = desk.post(asking("pause", loans), {"reason": " "})
    assert (asked.status_code, empty.status_code) == (200, 200)
    assert "This field is required." in empty.content.decode()
    assert not Checkpoint.objects.exclude(paused_at=None).exists()

    done = desk.post(asking("pause", loans), {"reason": "a stocktaking"}, follow=True)

    said = "Loans is paused. Its tables stay as they are, and nothing is lost."
    assert messages_of(done) == [said]
    assert Checkpoint.objects.values_list("paused_by", "pause_reason").get(name="Loans") == ("desk", "a stocktaking")
    entry = LogEntry.objects.get()
    assert (entry.user.username, entry.object_id, entry.change_message) == ("desk", "Loans", said)
    assert said in desk.get(page_of(loans)).content.decode()


def test_what_is_refused_says_so_and_leaves_no_trace(desk: Client, loans: Checkpoint) -> None:
    done = desk.post(asking("resume", loans), follow=True)

    assert messages_of(done) == ["Loans is not paused."]
    assert not LogEntry.objects.exists()


def test_several_are_chosen_from_the_list(desk: Client, loans: Checkpoint) -> None:
    books = Checkpoint.objects.get(name="Books")
    chosen = {"action": "rebuild", "_selected_action": [books.pk, loans.pk], "index": 0}

    asked = desk.post(LIST, chosen)
    assert asked.url == asking("rebuild", books, loans)
    done = desk.post(asked.url, {"expect_changes": "on"}, follow=True)

    assert sorted(messages_of(done)) == [f"{name} will be rebuilt by the workers." for name in ("Books", "Loans")]
    assert [*Errand.objects.order_by("projection").values_list("projection", "asked_by", "options")] == [
        (name, "desk", {"expect_changes": True}) for name in ("Books", "Loans")
    ]


def test_a_page_offers_what_makes_sense(desk: Client, loans: Checkpoint) -> None:
    def offered() -> list[str]:
        return [label for label, _ in desk.get(page_of(loans)).context["buttons"]]

    every = ["Rebuild", "Dry run", "Verify", "Replay"]
    assert offered() == ["Pause", *every]
    pause(LOANS, by="grace", reason="a stocktaking")
    assert offered() == ["Resume", *every[:-1]], "its tables would stay empty"
    Checkpoint.objects.create(name="Loans/old_Loans", projection="Loans", schema="old_Loans")
    assert offered() == ["Resume", *every[:-1], "Go back"]
    Checkpoint.objects.create(name="Loans/rebuild_Loans", projection="Loans", schema="rebuild_Loans")
    assert offered() == ["Resume", "Verify", "Abandon", "Go back"]


def test_what_is_known_of_old_tables_is_said_before_they_come_back(desk: Client, loans: Checkpoint) -> None:
    kept = Checkpoint.objects.create(name="Loans/old_Loans", projection="Loans", schema="old_Loans")

    assert "even_so" not in desk.get(asking("back", loans)).content.decode(), "nothing is known to be wrong with them"
    Checkpoint.objects.filter(pk=kept.pk).update(differing=3, compared_at=timezone.now())
    asked = desk.get(asking("back", loans)).content.decode()
    unsure = desk.post(asking("back", loans))

    assert "Of the old rows of Loans, 3 were not what the log makes of it" in asked
    assert "This field is required." in unsure.content.decode()
    assert "3 of their rows were not what the log makes" in desk.get(page_of(loans)).content.decode()


@pytest.mark.usefixtures("made_up")
def test_a_policy_can_be_paused_and_nothing_else(desk: Client, loans: Checkpoint) -> None:
    class Greeter(Policy):
        @on("Member.Joined")
        def joined(self, name: str) -> None: ...

    engine.catch_up([known()["Greeter"]])
    greeter = Checkpoint.objects.get(name="Greeter")

    assert [label for label, _ in desk.get(page_of(greeter)).context["buttons"]] == ["Pause"]
    done = desk.post(asking("rebuild", greeter), follow=True)
    assert messages_of(done) == ["Greeter is a policy: what it did, it did, and is not done again."]


def test_what_runs_is_looked_at_again_with_its_rate_and_the_time_left(desk: Client, loans: Checkpoint) -> None:
    assert "http-equiv" not in desk.get(page_of(loans)).content.decode()
    begun_at = timezone.now() - timedelta(seconds=10)

    Checkpoint.objects.create(
        name="Loans/verify_Loans", projection="Loans", schema="verify_Loans", begun_at=begun_at, position=0
    )
    first = desk.get(page_of(loans))
    assert first.context["told"] == f"at position 0 of {loans.position:,} (0 %)", "no rate yet"
    Checkpoint.objects.filter(schema="verify_Loans").update(position=loans.position)
    later = desk.get(page_of(loans))

    assert first.context["refresh"] == later.context["refresh"] == "2"
    assert re.search(r"\(100 %\), [0-9,]+ positions/s; indexing, comparing$", later.context["told"])
    assert later.context["state"] == "verifying"


def test_a_dry_run_is_called_so_while_it_is_done_and_is_not_offered_again(desk: Client, loans: Checkpoint) -> None:
    desk.post(asking("dry-run", loans), {"sample": "1"})
    Errand.objects.update(begun_at=timezone.now())
    Checkpoint.objects.create(name="Loans/verify_Loans", projection="Loans", schema="verify_Loans", position=0)

    page = desk.get(page_of(loans))

    assert "<h3>Dry run: " in page.content.decode()
    assert [label for label, _ in page.context["buttons"]] == ["Pause", "Rebuild", "Verify", "Replay", "Abandon"]


def test_of_one_that_is_paused_no_percentage_is_told_beside_the_word(desk: Client, loans: Checkpoint) -> None:
    desk.post(asking("pause", loans), {"reason": "to see"})
    Checkpoint.objects.create(name="Loans/rebuild_Loans", projection="Loans", schema="rebuild_Loans", position=0)

    assert desk.get(page_of(loans)).context["texts"]["state"] == "paused"


def test_who_may_only_look_is_offered_nothing(looker: Client, loans: Checkpoint, failed: Parked) -> None:
    assert looker.get(page_of(loans)).context["buttons"] == []
    assert looker.get(page_of(failed)).context["buttons"] == []
    assert looker.get(LIST).context["action_form"] is None
    for action in ("pause", "resume", "rebuild", "dry-run", "verify", "replay", "abandon", "back"):
        assert looker.post(asking(action, loans), {"reason": "x"}).status_code == 403
    for action in ("retry", "skip", "unskip"):
        assert looker.post(asking(action, failed), {"reason": "x"}).status_code == 403
    assert not LogEntry.objects.exists()


def test_who_may_not_look_is_refused_the_pages(client: Client, loans: Checkpoint, failed: Parked) -> None:
    client.force_login(User.objects.create_user("clerk", is_staff=True))

    for page in (LIST, PARKED, page_of(loans), page_of(failed), asking("pause", loans)):
        assert client.get(page).status_code == 403


def test_nothing_is_edited_or_deleted_by_hand(desk: Client, loans: Checkpoint, failed: Parked) -> None:
    for found in (loans, failed):
        model = found._meta.label_lower.replace(".", "_")
        assert desk.post(page_of(found), {"position": 0}).status_code == 405
        assert desk.post(reverse(f"admin:{model}_delete", args=[found.pk]), {"post": "yes"}).status_code == 403
        assert desk.get(reverse(f"admin:{model}_add")).status_code == 403
    desk.post(LIST, {"action": "delete_selected", "_selected_action": loans.pk, "post": "yes"})

    assert Checkpoint.objects.get(name="Loans").position == loans.position
    assert Parked.objects.filter(pk=failed.pk).exists()


def test_what_is_not_there_is_not_found(desk: Client, loans: Checkpoint) -> None:
    for page in (
        asking("explode", loans),
        reverse("admin:projections_checkpoint_act", args=["pause"]),
        f"{reverse('admin:projections_parked_act', args=['retry'])}?of=x&of=999",
        reverse("admin:projections_checkpoint_change", args=["Lons"]),
        reverse("admin:projections_parked_change", args=[999]),
    ):
        assert desk.get(page).status_code == 404


def test_the_first_of_a_stream_is_listed_with_what_waits_behind_it(desk: Client, failed: Parked) -> None:
    (row,) = desk.get(PARKED).context["cl"].result_list

    assert (row.pk, row.behind) == (failed.pk, 1)
    told = desk.get(page_of(failed)).content.decode()
    assert f'href="/admin/eventstore/event/{failed.position}/"' in told
    assert "Member.Renamed" in told


def test_a_retry_that_fails_says_why(desk: Client, failed: Parked) -> None:
    done = desk.post(asking("retry", failed), follow=True)

    said, why = messages_of(done)[0].splitlines()
    assert said == "Members: 0 events applied, 2 still parked."
    assert why.startswith("Members cannot apply Member.Joined at position ")
    assert Parked.objects.get(pk=failed.pk).tries == 1
    assert LogEntry.objects.get().change_message == said, "what may be personal is not kept there"


def test_a_skip_asks_for_a_reason_and_can_be_undone(desk: Client, failed: Parked) -> None:
    assert "This field is required." in desk.post(asking("skip", failed)).content.decode()

    done = desk.post(asking("skip", failed), {"reason": "a test"}, follow=True)
    assert "leaves out the event" in messages_of(done)[0]
    assert Parked.objects.values_list("skipped_by", "skip_reason").get(pk=failed.pk) == ("desk", "a test")
    Parked.objects.filter(pk=failed.pk).update(parked_at=timezone.now() - timedelta(hours=1))
    (skipped,) = desk.get(PARKED, {"decided": "skipped"}).context["cl"].result_list
    assert skipped.pk == failed.pk
    assert [label for label, _ in desk.get(page_of(failed)).context["buttons"]] == ["Unskip"]
    told = desk.get(page_of(failed)).content.decode()
    behind = Parked.objects.get(projection=failed.projection, skipped_at=None)
    assert f"since {skipped.skipped_at:%Y-%m-%d %H:%M:%S} UTC" in told
    assert f'<a href="{page_of(behind)}">' in told, "where what waited behind it is retried"

    desk.post(asking("unskip", failed))
    assert Parked.objects.get(pk=failed.pk).skipped_at is None
    assert LogEntry.objects.filter(object_id=failed.pk).count() == 2


def test_a_list_asks_no_more_of_the_database_for_more_lines(
    desk: Client, loans: Checkpoint, django_assert_max_num_queries: Any
) -> None:
    assert len(known()) > 5

    with django_assert_max_num_queries(15):
        desk.get(LIST)
