"""The promises of the search port, run against every engine (design.md, decision 3; rules D1, D2, G).

A subclass gives the fixture ``index``, an empty index, and says what the engine stored of a text; its
module gives ``full``, an index of ``corpus(7, 240)``. Nothing here knows an engine.
"""

from __future__ import annotations

import os
import threading
from collections import Counter
from collections.abc import Iterator
from dataclasses import replace
from datetime import UTC, date, datetime, timedelta
from functools import cache
from itertools import pairwise, product
from random import Random
from typing import Any
from uuid import UUID

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from marketplace import reference
from marketplace.errors import ConflictError
from marketplace.periods import day_number, month_end, weeks_either_side
from marketplace.search import highlight, words
from marketplace.search.document import CandidateDocument
from marketplace.search.facets import FACETS
from marketplace.search.port import FOREVER, Change, Removal, SearchIndex
from marketplace.search.query import Position, SearchPage, SearchQuery, Sort, Visibility

TODAY = date(2026, 11, 23)
NEVER = 21991231
PAST, FUTURE = datetime(2001, 1, 1, tzinfo=UTC), datetime(2101, 1, 1, tzinfo=UTC)
EVERYONE = Visibility(country="FR", job_country="FR", today=TODAY)
PLAIN = ("rigueur", "jardin", "musique", "voyage", "orange", "lecture", "voile", "montagne")
"""Words without synonyms, whose stems differ from one another."""

EXAMPLES = int(os.environ.get("MARKETPLACE_EXAMPLES", "60"))
"""Random searches counted by hand; docs/benchmarks.md tells of a thousand."""

TWO_ENGINES = [HealthCheck.function_scoped_fixture, HealthCheck.differing_executors]
"""An example is replayed on whichever engine runs: both promise the same of it, and no test writes."""

GOLDEN = [
    ("Développeur·se C++/.NET, l’analyse d'images", "fr", "developpeur|developp c++ .net analys imag"),
    ("Développeur·se C++/.NET, l’analyse d'images", "en", "developpeur|developpeus c++ .net analys imag"),
    ("chargé(e)s de l'e-commerce jusqu'à Node.js", "fr", "charg|charge de ecommerc a nodej"),
    ("conseiller/ère CI/CD & R&D", "fr", "conseil|conseiller ci/cd r&d"),
    ("Managing 3 networks: the candidate's C#", "fr", "managing 3 network the candidat c#"),
    ("Managing 3 networks: the candidate's C#", "en", "manag 3 network the candid c#"),
    ("étudiant·e·s, cœur, ＤＡＴＡ", "en", "etudi|etudiant coeur data"),
    ("directeur-rice front-end", "fr", "directeur|directric front end"),
]
"""A text, a stemming, and what every engine has stored of it: positions, with their alternatives."""


def document(key: int, **traits: Any) -> CandidateDocument:
    """Return a candidate in France who may work there, starts in September 2027 and was confirmed today."""
    start = traits.pop("start", date(2027, 9, 1))
    last = traits.pop("last", month_end(start))
    flex_from, flex_to = weeks_either_side(start, last, traits.pop("weeks", 0))
    base: dict[str, Any] = {
        "key": key, "candidate_id": UUID(int=key << 64 | 2**63 + key), "version": 1, "country": "FR",
        "region": "FR-IDF", "job_fields": ("development",), "start_month": f"{start:%Y-%m}",
        "start_on": day_number(start), "start_last": day_number(last), "flex_from": day_number(flex_from),
        "flex_to": day_number(flex_to), "skills": (), "languages": ("fr",), "education_level": 5,
        "fresh_on": day_number(TODAY), "visible_until_on": NEVER, "may_work_until": {"FR": NEVER},
        "headline": "", "skills_text": "", "cv_text": "",
    }  # fmt: skip
    return CandidateDocument(**{**base, **traits})


@cache
def corpus(seed: int, size: int) -> list[CandidateDocument]:
    """Return ``size`` candidates, different in all that is filtered, the same for the same seed."""
    random = Random(seed)
    regions = [code for code, region in reference.regions().items() if region.country == "FR"][:5]
    fields, skills = list(reference.job_fields())[:4], list(reference.skills())[:6]
    made = []
    for key in range(1, size + 1):
        start = date(2027, random.randint(1, 6), random.randint(1, 28))
        exact = random.random() < 0.5
        may_work = {cc: random.choice([NEVER, day_number(TODAY), 20261122, 20270401]) for cc in ("FR", "GB")}
        made.append(
            document(
                key,
                region=random.choice(regions),
                job_fields=tuple(random.sample(fields, random.randint(1, 3))),
                start=start if exact else start.replace(day=1),
                last=start if exact else month_end(start),
                weeks=random.choice([0, 0, 4, 26]),
                skills=tuple(random.sample(skills, random.randint(0, 4))),
                languages=tuple(random.sample(["fr", "en", "es"], random.randint(1, 3))),
                education_level=random.choice([None, 3, 4, 5, 6]),
                fresh_on=day_number(TODAY - timedelta(days=random.randint(0, 9))),
                visible_until_on=random.choice([NEVER, NEVER, 20261122, 20261123]),
                may_work_until=may_work,
                cv_text=" ".join(random.sample(PLAIN, 4)),
                headline=random.choice(PLAIN),
            )
        )
    return made


def ask(index: SearchIndex, text: str = "", **asked: Any) -> SearchPage:
    """Search for ``text`` as everyone may be seen, by relevance with words."""
    tree = words.parse(text)
    sort = Sort.RELEVANCE if tree.clauses else Sort.FRESH
    return index.search(
        SearchQuery(**{"visibility": EVERYONE, "words": tree, "sort": sort, "size": 50, **asked})
    )


def keys(page: SearchPage) -> list[int]:
    return [hit.key for hit in page.hits]


def found(index: SearchIndex, text: str, **asked: Any) -> set[int]:
    page = ask(index, text, **asked)
    assert page.total == len(page.hits)
    return set(keys(page))


def counts(page: SearchPage, name: str) -> dict[str, int]:
    facet = next(facet for facet in page.facets if facet.name == name)
    return {bucket.value: bucket.count for bucket in facet.buckets}


def put(index: SearchIndex, *texts: str, **traits: Any) -> None:
    """Index one candidate a text, with keys from 1."""
    index.put([document(key, cv_text=text, **traits) for key, text in enumerate(texts, 1)])
    index.refresh()


def values_of(one: CandidateDocument, name: str) -> tuple[str, ...]:
    value = getattr(one, FACETS[name].field)
    return () if value is None else value if isinstance(value, tuple) else (str(value),)


def matches(one: CandidateDocument, query: SearchQuery, word: str, without: str | None = None) -> bool:
    """Say by the text of rules G whether a candidate is found, one facet left out."""
    seen, today = query.visibility, day_number(query.visibility.today)
    first, last = (one.flex_from, one.flex_to) if query.flex else (one.start_on, one.start_last)
    return (
        one.visible_until_on >= today
        and one.may_work_until.get(seen.job_country, 0) >= today
        and one.key not in seen.excluded_keys
        and (query.start_from is None or last >= day_number(query.start_from))
        and (query.start_to is None or first <= day_number(query.start_to))
        and (not word or word in f"{one.headline} {one.cv_text}".split())
        and all(
            name == without or not chosen or set(values_of(one, name)) & chosen
            for name, chosen in query.selections.items()
        )
    )


class SearchIndexContract:
    """What every engine promises."""

    @pytest.fixture
    def index(self) -> SearchIndex:
        raise NotImplementedError

    def words_stored(self, index: Any, text: str, field: str) -> set[str]:
        """Return the words the engine makes of ``text``, which one document has in ``field``."""
        raise NotImplementedError

    def stands(self, index: Any, field: str, run: tuple[str, ...]) -> bool:
        """Say whether a document has these words one after another in ``field``, as they are stored."""
        raise NotImplementedError

    # Analysis

    @pytest.mark.parametrize(("text", "stemming", "golden"), GOLDEN)
    def test_golden_tokens(self, index: SearchIndex, text: str, stemming: str, golden: str) -> None:
        """D1: every engine stores these words at these positions, and no others."""
        put(index, text)
        field = f"cv_text_{stemming}"
        positions = [position.split("|") for position in golden.split()]
        assert self.words_stored(index, text, field) == {word for words in positions for word in words}
        for place, (here, there) in enumerate(pairwise(positions)):
            for pair in product(here, there):
                assert self.stands(index, field, pair), pair
            assert not self.stands(index, field, (there[0], here[0])), place

    # Membership

    def test_words_are_found_in_each_text(self, index: SearchIndex) -> None:
        """D1: words are looked for in CV text, headline and skills, and all of them must be there."""
        index.put(
            [
                document(1, cv_text="une voile rouge"),
                document(2, headline="voile"),
                document(3, skills_text="voile, montagne"),
                document(4, cv_text="rouge"),
            ]
        )
        index.refresh()
        assert found(index, "voile") == {1, 2, 3}
        assert found(index, "voile montagne") == {3}
        assert found(index, "voile rouge") == {1}

    def test_words_of_one_search_may_stand_in_different_texts(self, index: SearchIndex) -> None:
        """D1: each word may be in another of the texts."""
        index.put([document(1, headline="voile", cv_text="montagne")])
        index.refresh()
        assert found(index, "voile montagne") == {1}

    def test_phrases(self, index: SearchIndex) -> None:
        """D1: words in quotation marks must follow one another in this order."""
        put(index, "chef de projet web", "projet de chef web", "chef d’un projet de web")
        assert found(index, '"chef de projet"') == {1}
        assert found(index, "« chef de projet »") == {1}
        assert found(index, "chef projet web") == {1, 2, 3}

    def test_exclusion(self, index: SearchIndex) -> None:
        """D1: ``-word`` and ``-"phrase"`` leave out; exclusions alone leave out of all."""
        put(index, "voile rouge", "voile bleue", "montagne rouge vif")
        assert found(index, "voile -rouge") == {2}
        assert found(index, "-rouge") == {2}
        assert found(index, '-"rouge vif"') == {1, 2}

    @pytest.mark.parametrize(
        "text", ["voile OR montagne", "voile OU montagne", "voile | montagne", "voile|montagne"]
    )
    def test_alternatives(self, index: SearchIndex, text: str) -> None:
        """D1: one of the alternatives is enough."""
        put(index, "voile", "montagne", "jardin")
        assert found(index, text) == {1, 2}

    def test_alternatives_bind_tighter_than_and(self, index: SearchIndex) -> None:
        """D1: ``a b OR c`` asks for a, and for b or c."""
        put(index, "rouge voile", "rouge montagne", "rouge", "montagne")
        assert found(index, "rouge voile OR montagne") == {1, 2}
        assert found(index, "rouge OR -voile") == {1, 2, 3, 4}
        assert found(index, "voile OR -rouge") == {1, 4}

    @pytest.mark.parametrize(
        ("text", "query"),
        [
            ("gestion de l'informatique", "informatique"),
            ("gestion de l’informatique", "l'informatique"),
            ("manuel d'exploitation", "exploitation"),
            ("jusqu'aujourd’hui qu’exploitation", "exploitation"),
            ("exploitation", "d’exploitation"),
            ("chef d'exploitation", '"chef exploitation"'),
            ("chef de l'exploitation", '"chef de l’exploitation"'),
        ],
    )
    def test_elision(self, index: SearchIndex, text: str, query: str) -> None:
        """D1: an elided article hides no word, with either apostrophe, on either side."""
        put(index, text)
        assert found(index, query) == {1}

    @pytest.mark.parametrize(
        "written",
        [
            "développeur·se", "développeur(se)", "développeur/euse", "développeur-euse", "développeur.se",
            "développeur•euse",
        ],
    )  # fmt: skip
    @pytest.mark.parametrize("query", ["développeur", "développeuse", "developpeuse", '"développeuse web"'])
    def test_inclusive_forms(self, index: SearchIndex, written: str, query: str) -> None:
        """D1: an inclusive form is found by either word, also inside a phrase, and finds either."""
        put(index, f"poste de {written} web")
        assert found(index, query) == {1}

    def test_inclusive_forms_in_a_query(self, index: SearchIndex) -> None:
        """D1: an inclusive form in the query finds both words."""
        put(index, "développeur web", "développeuse web", "jardin")
        assert found(index, "développeur·se") == {1, 2}
        assert found(index, '"développeur(se) web"') == {1, 2}

    @pytest.mark.parametrize(
        ("query", "expected"),
        [
            ("C++", {1}), ("c++", {1}), ("C#", {2}), (".NET", {2, 3}), ("asp.net", {3}), ("node.js", {4}),
            ("NodeJS", {4}), ("ci/cd", {5}), ("CI/CD", {5}), ("C", {6}), ("R", {7}), ("pl/sql", {8}),
            ("F#", set()),
        ],
    )  # fmt: skip
    def test_special_terms_are_whole(self, index: SearchIndex, query: str, expected: set[int]) -> None:
        """D1: C++, C#, .NET, Node.js, CI/CD are words of their own; C and R are found, and only those."""
        put(
            index, "langage C++, avancé", "expert C#/.NET", "ASP.NET et (.NET)", "Node.js avancé",
            "pipelines CI/CD.", "langage C, c'est tout", "langage R.", "procédures PL/SQL",
        )  # fmt: skip
        tree = words.parse(query)
        exact = {
            hit.key for hit in ask(index, query).hits if hit.key not in self._through_synonyms(index, query)
        }
        assert tree.clauses
        assert exact == expected

    def _through_synonyms(self, index: SearchIndex, query: str) -> set[int]:
        return set(keys(ask(index, query))) - set(keys(ask(index, f'"{query}"')))

    def test_single_letter_skills(self, index: SearchIndex) -> None:
        """D1: one-letter skills are found in the skills."""
        index.put([document(1, skills_text="C, R"), document(2, skills_text="C++")])
        index.refresh()
        assert found(index, "C") == {1}
        assert found(index, "r") == {1}

    def test_accents_and_case(self, index: SearchIndex) -> None:
        """D1: accents and case do not matter, on either side."""
        put(index, "Développement LOGICIEL", "developpement logiciel", "de\u0301veloppement cœur")
        assert found(index, "DEVELOPPEMENT") == {1, 2, 3}
        assert found(index, "coeur") == {3}

    def test_both_stemmings(self, index: SearchIndex) -> None:
        """D1: French and English words are found by their other forms in every document."""
        put(index, "analyses réalisées", "managing networks")
        assert found(index, "analyse") == {1}
        assert found(index, "network") == {2}
        assert found(index, "manage") == {2}

    def test_synonyms_go_one_way(self, index: SearchIndex) -> None:
        """D1: the head of a row finds its synonyms and translation, a synonym does not find the head."""
        put(index, "TypeScript", "JavaScript", "apprentissage automatique", "machine learning", "langage JS")
        assert found(index, "JavaScript") == {1, 2}
        assert found(index, "TypeScript") == {1}
        assert found(index, "machine learning") == {3, 4}
        assert found(index, "apprentissage automatique") == {3, 4}
        assert found(index, '"machine learning"') == {4}
        assert found(index, "JS") == {5}

    def test_an_exact_match_stands_above_a_synonym(self, index: SearchIndex) -> None:
        """E7: the words asked for count more than their synonyms, wherever those stand."""
        index.put(
            [
                document(1, headline="TypeScript", skills_text="TypeScript", cv_text="TypeScript " * 5),
                document(2, cv_text="montagne voile jardin " * 80 + "javascript"),
                document(3, cv_text="jardin"),
            ]
        )
        index.refresh()
        assert keys(ask(index, "JavaScript")) == [2, 1]

    def test_a_typo_is_forgiven_only_when_nothing_is_found(self, index: SearchIndex) -> None:
        """D1: a word nobody has is read as those one letter away, and the answer says so."""
        put(index, "montagne", "voile", "voilé voila")
        page = ask(index, "montgane")
        assert keys(page) == [1]
        assert page.reading.approximate == ("montgane",)
        assert ask(index, "voile").reading.approximate == ()
        assert found(index, "montagne voile") == set()
        assert found(index, "mont4gne") == {1}
        assert found(index, '"montgane"') == set()
        assert found(index, "voile montgane") == set()
        assert found(index, "mxxtagne") == set()

    def test_a_typo_is_not_guessed_because_of_a_filter(self, index: SearchIndex) -> None:
        """D1: a word somebody visible has is no typo, even where the filters leave nobody."""
        index.put([document(1, cv_text="voile"), document(2, cv_text="voiles", region="FR-BRE")])
        index.put([document(3, cv_text="voix", region="FR-NOR")])
        index.refresh()
        page = ask(index, "voile", selections={"region": frozenset({"FR-NOR"})})
        assert (page.total, page.reading.approximate) == (0, ())

    @pytest.mark.parametrize(
        "text",
        ["voile", "montagnes -jardin", '"voile orange" OR musique', "lecture voyage", "musiqe", "rigeur"],
    )
    def test_what_is_found_is_marked(self, full: SearchIndex, text: str) -> None:
        """D1: highlights and engine agree: who is found by words has a marked word, typos included."""
        page = ask(full, text)
        texts = {one.key: f"{one.headline} … {one.cv_text}" for one in corpus(7, 240)}
        marking = highlight.marking(words.parse(text), page.reading.approximate)
        assert page.hits
        for key in keys(page):
            assert any(
                span.match for one in highlight.fragments(texts[key], marking, characters=200) for span in one
            )

    # Visibility

    @pytest.mark.parametrize(
        ("until", "expected"), [(20261122, set()), (20261123, {1}), (20261124, {1}), (NEVER, {1})]
    )
    def test_visible_until_is_inclusive(self, index: SearchIndex, until: int, expected: set[int]) -> None:
        """G: a candidate is visible up to and on ``visible_until_on``, without any write at midnight."""
        index.put([document(1, visible_until_on=until)])
        index.refresh()
        assert found(index, "") == expected

    @pytest.mark.parametrize(("until", "expected"), [(20261122, set()), (20261123, {1}), (20261124, {1})])
    def test_the_permit_is_that_of_the_job_country(
        self, index: SearchIndex, until: int, expected: set[int]
    ) -> None:
        """G: may work in the job country today, inclusive; residence still picks the index."""
        index.put([document(1, may_work_until={"GB": until}), document(2, may_work_until={"FR": NEVER})])
        index.refresh()
        assert found(index, "", visibility=replace(EVERYONE, job_country="GB")) == expected
        assert found(index, "", visibility=replace(EVERYONE, country="GB", job_country="GB")) == set()

    def test_excluded_keys_are_in_no_count(self, index: SearchIndex) -> None:
        """D2: who excludes the recruiter, or is about to be hidden, is in neither hits nor counts."""
        put(index, "voile", "voile", "voile")
        page = ask(index, "voile", visibility=replace(EVERYONE, excluded_keys=frozenset({1, 3, 77})))
        assert keys(page) == [2]
        assert page.total == 1
        assert counts(page, "region") == {"FR-IDF": 1}

    @pytest.mark.parametrize("many", [499, 500, 501, 5000])
    def test_any_number_of_keys_is_excluded(self, index: SearchIndex, many: int) -> None:
        """C5, D2: thousands may refuse one recruiter, and are in no hit and no count."""
        put(index, "voile", "voile", "voile")
        refusing = frozenset({1, 3, *range(10_000, 10_000 + many - 2)})
        page = ask(index, "voile", visibility=replace(EVERYONE, excluded_keys=refusing))
        assert keys(page) == [2]
        assert page.total == 1
        assert counts(page, "region") == {"FR-IDF": 1}

    # Dates

    @pytest.mark.parametrize(
        ("start_from", "start_to", "flex", "expected"),
        [
            (date(2027, 9, 30), None, False, {1}),
            (date(2027, 10, 1), None, False, set()),
            (None, date(2027, 9, 1), False, {1}),
            (None, date(2027, 8, 31), False, set()),
            (date(2027, 9, 10), date(2027, 9, 12), False, {1}),
            (None, date(2027, 8, 18), True, {1}),
            (None, date(2027, 8, 17), True, set()),
            (date(2027, 10, 14), None, True, {1}),
            (date(2027, 10, 15), None, True, set()),
        ],
    )
    def test_start_dates(
        self,
        index: SearchIndex,
        start_from: date | None,
        start_to: date | None,
        flex: bool,
        expected: set[int],
    ) -> None:
        """G: [start_on, start_last] meets [from, to], inclusive; ``flex`` widens it by the weeks."""
        index.put([document(1, weeks=2)])
        index.refresh()
        assert found(index, "", start_from=start_from, start_to=start_to, flex=flex) == expected

    # Facets

    def test_selections_are_or_inside_and_across(self, index: SearchIndex) -> None:
        """D1: OR inside a facet, AND across, each counted with all filters but its own."""
        index.put(
            [
                document(1, region="FR-IDF", languages=("fr",)),
                document(2, region="FR-BRE", languages=("fr", "en")),
                document(3, region="FR-NOR", languages=("en",)),
            ]
        )
        index.refresh()
        page = ask(
            index, selections={"region": frozenset({"FR-IDF", "FR-BRE"}), "language": frozenset({"en"})}
        )
        assert keys(page) == [2]
        assert counts(page, "region") == {"FR-BRE": 1, "FR-IDF": 0, "FR-NOR": 1}
        assert counts(page, "language") == {"en": 1, "fr": 2}
        assert counts(page, "education_level") == {"5": 1}

    def test_pending_withdrawals_are_in_no_facet(self, index: SearchIndex) -> None:
        """G, P-02: from the commit of a withdrawal on no count of any facet has the person."""
        index.put([document(1, skills=("python",)), document(2, skills=("python",)), document(3)])
        index.refresh()
        pending = replace(EVERYONE, excluded_keys=frozenset({2}))
        page = ask(index, visibility=pending, selections={"skill": frozenset({"python"})})
        assert (keys(page), page.total) == ([1], 1)
        assert counts(page, "skill") == {"python": 1}
        assert {sum(counts(page, name).values()) for name in ("region", "job_field", "language")} == {1}

    def test_selected_values_are_always_listed(self, index: SearchIndex) -> None:
        """G: a known value without a match is listed, selected, with count 0, also in an empty index."""
        selections = {"skill": frozenset({"python"}), "start_month": frozenset({"2031-01"})}
        for _ in range(2):
            page = ask(index, selections=selections)
            chosen = {b.value: b.count for facet in page.facets for b in facet.buckets if b.selected}
            assert chosen == {"python": 0, "2031-01": 0}
            assert [facet.name for facet in page.facets] == list(FACETS)
            index.put([document(1)])
            index.refresh()

    def test_start_dates_are_no_facet_selection(self, index: SearchIndex) -> None:
        """G: the counts of ``start_month`` keep the dates asked for."""
        index.put([document(1), document(2, start=date(2027, 10, 1))])
        index.refresh()
        page = ask(index, start_from=date(2027, 10, 1), selections={"start_month": frozenset({"2027-09"})})
        assert page.total == 0
        assert counts(page, "start_month") == {"2027-09": 0, "2027-10": 1}

    @settings(max_examples=EXAMPLES, deadline=None, suppress_health_check=TWO_ENGINES)
    @given(data=st.data())
    def test_counts_equal_brute_force(self, full: SearchIndex, data: st.DataObject) -> None:
        """D1: total, hits and every facet count equal a count by hand, for any filters."""
        everyone = corpus(7, 240)
        choices = {name: sorted({v for one in everyone for v in values_of(one, name)}) for name in FACETS}
        selections = {
            name: data.draw(st.frozensets(st.sampled_from(values), max_size=3), label=name)
            for name, values in choices.items()
        }
        days = st.none() | st.dates(date(2026, 12, 1), date(2027, 8, 1))
        word = data.draw(st.sampled_from(("", *PLAIN)), label="word")
        query = SearchQuery(
            visibility=Visibility(
                country="FR", job_country=data.draw(st.sampled_from(["FR", "GB", "US"])), today=TODAY,
                excluded_keys=data.draw(st.frozensets(st.integers(1, 240), max_size=40)),
            ),
            words=words.parse(word), selections=selections, start_from=data.draw(days),
            start_to=data.draw(days), flex=data.draw(st.booleans()), sort=data.draw(st.sampled_from(Sort)),
            size=50,
        )  # fmt: skip
        page = full.search(query)
        expected = [one for one in everyone if matches(one, query, word)]
        assert page.total == len(expected)
        assert set(keys(page)) <= {one.key for one in expected}
        assert len(page.hits) == min(50, len(expected))
        for name in FACETS:
            by_hand = Counter(
                value
                for one in everyone
                if matches(one, query, word, without=name)
                for value in values_of(one, name)
            )
            by_hand.update(dict.fromkeys(selections[name], 0))
            assert counts(page, name) == dict(by_hand), name

    # Order and paging

    def test_fresh_and_start_order(self, index: SearchIndex) -> None:
        """G: fresh is newest first, start earliest first; ties go by ascending key."""
        index.put(
            [
                document(3, fresh_on=20261120, start=date(2027, 2, 1)),
                document(1, fresh_on=20261120, start=date(2027, 3, 1)),
                document(2, fresh_on=20261121, start=date(2027, 2, 1)),
            ]
        )
        index.refresh()
        assert keys(ask(index, sort=Sort.FRESH)) == [2, 1, 3]
        assert keys(ask(index, sort=Sort.START)) == [2, 3, 1]

    def test_relevance_ties_go_by_key(self, index: SearchIndex) -> None:
        """G: equal scores are ordered by ascending key, across pages and commits."""
        order = list(range(1, 61))
        Random(3).shuffle(order)
        for place in range(0, 60, 20):
            index.put([document(key, cv_text="voile") for key in order[place : place + 20]])
        index.refresh()
        assert [key for page in self._pages(index, "voile", size=7) for key in keys(page)] == list(
            range(1, 61)
        )

    def test_the_headline_counts_most_then_skills_then_the_cv(self, index: SearchIndex) -> None:
        """E7: where a word stands orders the hits, nothing else does."""
        index.put(
            [document(1, cv_text="voile"), document(2, skills_text="voile"), document(3, headline="voile")]
        )
        index.refresh()
        assert keys(ask(index, "voile")) == [3, 2, 1]

    def test_relevance_without_words_is_fresh(self, index: SearchIndex) -> None:
        """G: where nothing is asked for, relevance is the order ``fresh``."""
        index.put([document(1, fresh_on=20261101), document(2)])
        index.refresh()
        assert keys(ask(index, sort=Sort.RELEVANCE)) == [2, 1]
        assert keys(ask(index, "-jardin", sort=Sort.RELEVANCE)) == [2, 1]

    def _pages(self, index: SearchIndex, text: str = "", **asked: Any) -> Iterator[SearchPage]:
        after: Position | None = None
        while True:
            page = ask(index, text, after=after, **asked)
            yield page
            after = page.after
            if after is None or after.seen >= asked.get("window", 500):
                return

    @pytest.mark.parametrize("sort", list(Sort))
    def test_pages_have_no_gap_and_no_repeat(self, full: SearchIndex, sort: Sort) -> None:
        """E2: the pages together are the whole answer, once."""
        text = "voile OR montagne"
        together = [key for page in self._pages(full, text, sort=sort, size=13) for key in keys(page)]
        query = SearchQuery(visibility=EVERYONE)
        expected = {
            one.key
            for one in corpus(7, 240)
            if matches(one, query, "voile") or matches(one, query, "montagne")
        }
        assert len(together) == len(set(together))
        assert set(together) == expected

    def test_the_window_bounds_what_can_be_paged_to(self, full: SearchIndex) -> None:
        """E2: the window cuts the last page; the total stays exact."""
        pages = list(self._pages(full, size=20, window=50))
        assert [len(page.hits) for page in pages] == [20, 20, 10]
        assert pages[-1].after is not None
        assert pages[-1].after.seen == 50
        assert len({page.total for page in pages}) == 1

    @pytest.mark.parametrize("sort", [Sort.FRESH, Sort.START])
    def test_cursors_hold_under_writes(self, index: SearchIndex, sort: Sort) -> None:
        """E2: by ``fresh`` and ``start``, what is written between two pages moves nobody else."""
        index.put([document(key) for key in range(10, 50)])
        index.refresh()
        first = ask(index, sort=sort, size=10)
        index.put([document(key) for key in range(1, 6)])
        index.remove("FR", {12: 1, 25: 1})
        index.refresh()
        second = ask(index, sort=sort, size=10, after=first.after)
        assert keys(first) == list(range(10, 20))
        assert keys(second) == [20, 21, 22, 23, 24, 26, 27, 28, 29, 30]

    # Writing

    def test_put_replaces_and_never_goes_back(self, index: SearchIndex) -> None:
        """Design 4: a document replaces the same key, but an older version never a newer one."""
        index.put([document(1, version=2, cv_text="voile")])
        index.put([document(1, version=1, cv_text="montagne")])
        index.refresh()
        assert found(index, "voile") == {1}
        index.put([document(1, version=3, cv_text="jardin"), document(1, version=2, cv_text="orange")])
        index.refresh()
        assert found(index, "jardin") == {1}
        assert index.count("FR") == 1
        assert list(index.versions("FR")) == [(1, 3)]

    def test_a_removal_never_goes_back(self, index: SearchIndex) -> None:
        """Design 4: a removal carries the version of the row that says so; what is newer stays."""
        index.put([document(1, version=5), document(2, version=5), document(3, version=5)])
        index.remove("FR", {1: 4, 2: 5, 3: FOREVER})
        index.refresh()
        assert list(index.versions("FR")) == [(1, 5)]
        index.put([document(2, version=6)])
        index.refresh()
        assert list(index.versions("FR")) == [(1, 5), (2, 6)]

    def test_remove(self, index: SearchIndex) -> None:
        """C2: who is removed is gone; removing nobody, or somebody unknown, is fine."""
        put(index, "voile", "montagne")
        index.remove("FR", {1: 1, 99: 1})
        index.remove("FR", {})
        index.refresh()
        assert found(index, "") == {2}

    def test_countries_are_apart(self, index: SearchIndex) -> None:
        """Design 5: each country has its own index."""
        index.put([document(1), document(2, country="GB", may_work_until={"FR": NEVER})])
        index.refresh()
        assert found(index, "") == {1}
        assert found(index, "", visibility=replace(EVERYONE, country="GB")) == {2}
        assert [index.count(country) for country in ("FR", "GB", "US")] == [1, 1, 0]

    def test_a_country_without_an_index_is_told(self, index: SearchIndex) -> None:
        """F-04: nobody found, and nobody who could have been: the caller tells the two apart."""
        index.put([document(1)])
        index.refresh()
        nobody, somewhere = ask(index, "xylophone"), replace(EVERYONE, country="GB")
        assert (nobody.total, nobody.has_index) == (0, True)
        missing = ask(index, visibility=somewhere)
        assert (missing.total, missing.hits, missing.has_index) == (0, (), False)

    def test_the_id_comes_back_whole(self, index: SearchIndex) -> None:
        """Design 3: a hit carries the id by which PostgreSQL is read again."""
        one = UUID("ffffffff-ffff-4fff-bfff-ffffffffffff")
        index.put([document(1, candidate_id=one)])
        index.refresh()
        assert [hit.candidate_id for hit in ask(index).hits] == [one]

    # Rebuilding

    def test_rebuild_replaces_everything(self, index: SearchIndex) -> None:
        """Design 5: a rebuild leaves exactly the documents given, and says how far it is."""
        put(index, "voile", "voile")
        told: list[int] = []
        assert index.rebuild("FR", (document(key) for key in range(5, 500)), told.append) == 495
        index.refresh()
        assert index.count("FR") == 495
        assert told[-1] == 495
        assert told == sorted(told)
        assert found(index, "voile") == set()
        assert [key for key, _ in index.versions("FR")] == list(range(5, 500))

    def test_rebuild_keeps_what_is_written_meanwhile(self, index: SearchIndex) -> None:
        """Design 4: writes during a rebuild are answered at once and are in the new index too."""

        def documents() -> Iterator[CandidateDocument]:
            yield document(1, cv_text="montagne")
            yield document(2)
            index.put([document(1, version=2, cv_text="voile"), document(7)])
            index.remove("FR", {2: 1, 3: 2, 4: 2, 6: FOREVER})
            index.put([document(4, version=3)])
            index.refresh()
            assert found(index, "voile") == {1}
            yield from (document(3), document(4), document(5), document(6))

        put(index, "jardin")
        index.rebuild("FR", documents())
        index.refresh()
        assert dict(index.versions("FR")) == {1: 2, 4: 3, 5: 1, 7: 1}
        assert index.count("FR") == 4
        assert found(index, "voile") == {1}

    def test_searches_during_a_rebuild_see_a_whole_index(self, index: SearchIndex) -> None:
        """Design 5: the live index answers until the new one does, never less than either."""
        index.rebuild("FR", (document(key) for key in range(1, 101)))
        stop, totals, faults = threading.Event(), set(), []

        def look() -> None:
            while not stop.is_set():
                try:
                    totals.add(ask(index).total)
                except BaseException as error:  # noqa: BLE001  (a panic is one)
                    faults.append(error)

        lookers = [threading.Thread(target=look) for _ in range(2)]
        for looker in lookers:
            looker.start()
        for _ in range(3):
            index.rebuild("FR", (document(key) for key in range(1, 101)))
            index.refresh()
        stop.set()
        for looker in lookers:
            looker.join()
        assert faults == []
        assert totals == {100}

    def test_a_rebuild_that_fails_changes_nothing(self, index: SearchIndex) -> None:
        """Design 5: a fault in the documents comes through, and the live index stays as it was."""

        def documents() -> Iterator[CandidateDocument]:
            yield document(5)
            raise LookupError("gone")

        put(index, "voile")
        with pytest.raises(LookupError):
            index.rebuild("FR", documents())
        index.put([document(9, cv_text="voile")])
        index.refresh()
        assert found(index, "voile") == {1, 9}
        assert not index.health().countries["FR"].is_rebuilding

    def test_a_new_index_is_looked_at_before_it_answers(self, index: SearchIndex) -> None:
        """F-04: the check sees what the new index holds; what it raises leaves the one before in place."""
        seen: list[tuple[int, int]] = []

        def refuse(versions: Iterator[tuple[int, int]]) -> None:
            seen.extend(versions)
            raise LookupError("differs")

        put(index, "voile")
        with pytest.raises(LookupError):
            index.rebuild("FR", (document(key, version=key) for key in (5, 6)), None, refuse)
        assert seen == [(5, 5), (6, 6)]
        assert found(index, "voile") == {1}
        assert not index.health().countries["FR"].is_rebuilding
        assert index.tidy("FR", PAST, FUTURE) == [], "nothing is left of it"
        index.rebuild("FR", [document(7)], None, seen.extend)
        index.refresh()
        assert seen[-1] == (7, 1)
        assert found(index, "") == {7}

    def test_rollback(self, index: SearchIndex) -> None:
        """F-04: the index before answers again, with what changed since and is written meanwhile."""
        index.rebuild("FR", [document(key, cv_text="voile") for key in (1, 2, 3)])
        index.rebuild("FR", [document(9)])

        def changes(versions: Iterator[tuple[int, int]]) -> Iterator[Change]:
            assert list(versions) == [(1, 1), (2, 1), (3, 1)]
            index.put([document(4, cv_text="voile")])
            index.remove("FR", {1: 1})
            yield Removal(2, 2)
            yield document(3, version=2, cv_text="jardin")

        index.rollback("FR", changes)
        index.refresh()
        assert list(index.versions("FR")) == [(3, 2), (4, 1)]
        assert (found(index, "voile"), found(index, "jardin")) == ({4}, {3})
        assert index.count("FR") == 2
        index.rollback("FR", lambda versions: [])
        index.refresh()
        assert {9, 4} >= found(index, "") >= {9}, "the one that was rolled back from is kept in turn"

    def test_a_rollback_that_fails_changes_nothing(self, index: SearchIndex) -> None:
        """F-04: the index that answers goes on, and the one before is kept for another try."""

        def changes(_: Iterator[tuple[int, int]]) -> Iterator[Change]:
            yield document(5)
            raise LookupError("gone")

        index.rebuild("FR", [document(1)])
        with pytest.raises(ConflictError, match="no index to go back to"):
            index.rollback("FR", lambda versions: [])
        index.rebuild("FR", [document(2)])
        with pytest.raises(LookupError):
            index.rollback("FR", changes)
        index.put([document(3)])
        index.refresh()
        assert found(index, "") == {2, 3}
        index.rollback("FR", lambda versions: [])
        index.refresh()
        assert 1 in found(index, "")

    def test_the_index_before_is_kept_until_it_is_too_old(self, index: SearchIndex) -> None:
        """F-04: kept for 24 hours to go back to, then removed."""
        index.rebuild("FR", [document(1)])
        index.rebuild("FR", [document(2)])
        assert index.tidy("FR", PAST, FUTURE) == []
        assert len(index.tidy("FR", FUTURE, FUTURE)) == 1
        assert index.tidy("FR", FUTURE, FUTURE) == []
        with pytest.raises(ConflictError):
            index.rollback("FR", lambda versions: [])
        index.refresh()
        assert found(index, "") == {2}

    def test_stored_versions_by_key(self, index: SearchIndex) -> None:
        """F-03: the sweep asks for the versions of some keys."""
        index.put([document(key, version=key + 10) for key in range(1, 2001)])
        index.refresh()
        assert index.stored("FR", [1, 7, 2000, 2001]) == {1: 11, 7: 17, 2000: 2010}
        assert len(index.stored("FR", range(1, 2001))) == 2000
        assert index.stored("FR", []) == index.stored("GB", [1]) == {}

    def test_health_counts(self, index: SearchIndex) -> None:
        """Interface: health names each country's documents."""
        put(index, "voile")
        health = index.health()
        assert health.countries["FR"].documents == 1
        assert health.needs_rebuild == ()

    # Any string

    @settings(max_examples=150, deadline=None, suppress_health_check=TWO_ENGINES)
    @given(
        text=st.text(max_size=256)
        | st.text(alphabet="ab\"'-|+#.()/·*:~^[]{}\\ ORU%&", max_size=256)
        | st.lists(st.sampled_from([*PLAIN, "OR", "-", '"', "C++", "développeur·se", ".NET", "l'", "|"])).map(
            " ".join
        )
    )
    def test_any_string_is_valid(self, full: SearchIndex, text: str) -> None:
        """D1: within the limits any string is valid."""
        page = ask(full, text, size=5)
        assert page.total >= len(page.hits)

    def test_the_dearest_search_is_answered(self, full: SearchIndex) -> None:
        """X-07: sixteen terms, each of two words, with all the synonyms there may be, are no fault."""
        text = " ".join(["JavaScript", *(f"abcd{letter}eur(se)" for letter in "abcdefghijklmno")])
        tree = words.parse(text)
        assert words.count_terms(tree) == 16
        assert ask(full, text).total == 0
        assert ask(full, "voile OR " + text.replace(" ", " OR ")).total == ask(full, "voile").total

    @pytest.mark.parametrize(
        "text",
        [
            "a*",
            "voil*",
            "headline:voile",
            "voile~2",
            "v?ile",
            "[a TO z]",
            "/voi.*/",
            "voile^9",
            "_id:1",
            "*",
            "*:*",
        ],
    )
    def test_operators_are_literal(self, full: SearchIndex, text: str) -> None:
        """Security X-07: no field name, wildcard, pattern, fuzziness or boost reaches an engine."""
        everyone = ask(full).total
        assert text in {"*", "*:*"} or ask(full, text).total < everyone

    @pytest.mark.parametrize("text", ["", "voile", "voille", "-voile"])
    @pytest.mark.parametrize("sort", list(Sort))
    def test_a_count_needs_no_hits(self, full: SearchIndex, text: str, sort: Sort) -> None:
        """D1: a search for no hits and no facets counts as any other; a forgiven typo too."""
        page = ask(full, text, sort=sort)
        counted = ask(full, text, sort=sort, size=0, with_facets=False)
        assert (counted.total, counted.reading) == (page.total, page.reading)
        assert (counted.hits, counted.facets) == ((), ())
