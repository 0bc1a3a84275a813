"""Whom a search may list: the rule as data, and the re-check on what PostgreSQL says (rules D2)."""

from __future__ import annotations

from datetime import date

from sqlalchemy.orm import Session

from marketplace import outbox
from marketplace.candidates.lifecycle import CandidateState
from marketplace.candidates.models import Candidate
from marketplace.contacts import services
from marketplace.contacts.asking_recruiters import asking_recruiter
from marketplace.errors import ContactNotAllowedError, NotFoundError
from tests.builders import a_block, a_candidate, an_exclusion
from tests.marketplace.contacts.conftest import Scene


def listing_of(session: Session, scene: Scene, job_country: str = "FR") -> services.Listing:
    asker = asking_recruiter(session, scene.recruiter_account)
    return services.listing_of(session, scene.now, scene.settings, asker, job_country)


def test_a_listing_names_country_permit_and_who_refuses(scene: Scene) -> None:
    """D2, G: the recruiter's country picks the index, the job country the permit; refusals come by key."""
    with scene.db.transaction() as session:
        blocking, excluding = a_candidate(session), a_candidate(session)
        a_block(session, blocking, company_id=scene.company_id)
        an_exclusion(session, excluding, company_id=scene.company_id)
        changing = a_candidate(session)
        outbox.publish(session, scene.now, "candidate.changed", changing.id, lowers_visibility=True)
        listing = listing_of(session, scene, "GB")
        keys = {blocking.key, excluding.key, changing.key}
    visibility = listing.visibility
    assert (visibility.country, visibility.job_country, visibility.today) == ("FR", "GB", date(2026, 11, 23))
    assert visibility.excluded_keys == keys


def test_what_is_listed_may_be_contacted_and_the_rest_is_not(scene: Scene) -> None:
    """D2: the re-check keeps exactly those whom the gate lets contact."""
    with scene.db.transaction() as session:
        people = [
            scene.candidate_id,
            *(
                person.id
                for person in (
                    a_candidate(session, "hidden"),
                    a_candidate(session, "paused"),
                    a_candidate(session, "minor"),
                    a_candidate(session, "minor_with_consent"),
                    a_candidate(session, country="GB"),
                    a_candidate(session, work_countries=("GB",)),
                    a_candidate(session, start_day=date(2026, 9, 23), start_is_month=False),
                    a_candidate(session, start_day=date(2026, 9, 24), start_is_month=False),
                    a_candidate(session, pause_due_on=date(2026, 11, 23)),
                    a_candidate(session, pause_due_on=date(2026, 11, 24)),
                )
            ),
        ]
        blocking = a_candidate(session)
        a_block(session, blocking, recruiter_id=scene.recruiter_id)
        people.append(blocking.id)
        listing = listing_of(session, scene)
        cards = services.listed_cards(session, scene.settings, listing, people)
        listed = {card.candidate_id for card in cards}
    reached = set()
    for person in people:
        try:
            scene.contact(person)
        except (NotFoundError, ContactNotAllowedError):
            continue
        reached.add(person)
    assert listed == reached
    assert len(reached) == 4


def test_the_re_check_sees_a_withdrawal_after_the_query(scene: Scene) -> None:
    """INV-2: a hit whose person withdrew between query and page is not shown."""
    with scene.db.transaction() as session:
        listing = listing_of(session, scene)
    scene.change(Candidate, scene.candidate_id, state=CandidateState.HIDDEN)
    with scene.db.transaction() as session:
        assert services.listed_cards(session, scene.settings, listing, [scene.candidate_id]) == []
