"""The same candidates and the same question on the raw engine, as a careful user would set them up.

A mapping with the raw text and the engine's own analysis (facts: pattern tokenizer, elision stop
words, folding, Snowball), highlights from offsets, multi-select facets by ``post_filter`` and filter
aggregations, one request a search, sent by the standard library's HTTP client and msgspec's JSON:
the fastest client in Python that was measured.
"""

from __future__ import annotations

import http.client
from collections.abc import Iterable, Iterator
from itertools import islice
from typing import Any
from urllib.parse import urlsplit

import msgspec

from marketplace.search import synonyms
from marketplace.search.document import CandidateDocument
from marketplace.search.facets import FACETS
from marketplace.search.matching import date_bounds, lower_bounds, selected_values
from marketplace.search.query import SearchQuery
from marketplace.search.synonyms import Need, Sought

INDEX = "raw-candidates"
BATCH = 500
Json = dict[str, Any]

ELISION = ["l", "d", "j", "m", "t", "s", "n", "c", "qu", "jusqu", "lorsqu", "puisqu", "quoiqu"]
BOOSTS = {"headline": 3, "skills_text": 2, "cv": 1}
SOURCE = (
    "id", "headline", "region", "job_fields", "start_on", "start_month", "skills", "languages",
    "education_level", "fresh_on",
)  # fmt: skip


def _analyzer(language: str) -> Json:
    return {
        "type": "custom", "tokenizer": "words",
        "filter": ["lowercase", "elision", "asciifolding", f"stemmer_{language}"],
    }  # fmt: skip


def _text(**more: Any) -> Json:
    return {
        "type": "text", "analyzer": "fr", "index_options": "offsets", **more,
        "fields": {"en": {"type": "text", "analyzer": "en"}},
    }  # fmt: skip


def index_body() -> Json:
    """Return settings and mapping of the raw index."""
    keyword: Json = {"type": "keyword"}
    number: Json = {"type": "integer"}
    cv = _text()
    cv["fields"]["vectors"] = {"type": "text", "analyzer": "fr", "term_vector": "with_positions_offsets"}
    return {
        "settings": {
            "number_of_shards": 1, "number_of_replicas": 0, "refresh_interval": "-1",
            "analysis": {
                "tokenizer": {"words": {"type": "pattern", "pattern": "[\\p{L}\\p{N}]+[+#]*", "group": 0}},
                "filter": {
                    "elision": {"type": "stop", "stopwords": ELISION},
                    "stemmer_fr": {"type": "stemmer", "language": "french"},
                    "stemmer_en": {"type": "stemmer", "language": "porter2"},
                },
                "analyzer": {"fr": _analyzer("fr"), "en": _analyzer("en")},
            },
        },
        "mappings": {
            "dynamic": "strict",
            "properties": {
                "id": keyword, "key": {"type": "long"}, "region": keyword, "job_fields": keyword,
                "start_month": keyword, "skills": keyword, "languages": keyword, "education_level": keyword,
                "start_on": number, "start_last": number, "flex_from": number, "flex_to": number,
                "visible_until_on": number, "fresh_on": number,
                **{f"may_work_until_{country}": number for country in ("fr", "gb", "us")},
                "headline": _text(), "skills_text": _text(), "cv": cv,
            },
        },
    }  # fmt: skip


def document(candidate: CandidateDocument) -> Json:
    """Return a candidate as the raw index takes it."""
    made: Json = {
        "id": str(candidate.candidate_id), "key": candidate.key, "region": candidate.region,
        "job_fields": candidate.job_fields, "start_month": candidate.start_month,
        "skills": candidate.skills, "languages": candidate.languages,
        "education_level": None if candidate.education_level is None else str(candidate.education_level),
        "start_on": candidate.start_on, "start_last": candidate.start_last,
        "flex_from": candidate.flex_from, "flex_to": candidate.flex_to,
        "visible_until_on": candidate.visible_until_on, "fresh_on": candidate.fresh_on,
        "headline": candidate.headline, "skills_text": candidate.skills_text, "cv": candidate.cv_text,
    }  # fmt: skip
    for country, until in candidate.may_work_until.items():
        made[f"may_work_until_{country.lower()}"] = until
    return made


def search_body(query: SearchQuery, highlighter: str | None = "unified") -> Json:
    """Return the question as one ``_search`` body; ``highlighter`` is unified, fvh or none."""
    selected = {
        name: {"terms": {field: sorted(values)}} for name, (field, values) in selected_values(query).items()
    }
    filters = [{"range": {field: {"gte": bound}}} for field, bound in lower_bounds(query)]
    ends, begins = date_bounds(query)
    if ends is not None:
        filters.append({"range": {ends[0]: {"gte": ends[1]}}})
    if begins is not None:
        filters.append({"range": {begins[0]: {"lte": begins[1]}}})
    needs = synonyms.expand(query.words)
    body: Json = {
        "size": query.size, "track_total_hits": True, "_source": list(SOURCE),
        "sort": [{"_score": "desc"}, {"key": "asc"}],
        "query": {"bool": {"must": [_need(need) for need in needs], "filter": filters}},
        "post_filter": {"bool": {"filter": list(selected.values())}},
        "aggs": {
            name: {
                "filter": {
                    "bool": {"filter": [chosen for other, chosen in selected.items() if other != name]}
                },
                "aggs": {"values": {"terms": {"field": facet.field, "size": 500}}},
            }
            for name, facet in FACETS.items()
        },
    }  # fmt: skip
    if highlighter is not None:
        field = "cv" if highlighter == "unified" else "cv.vectors"
        body["highlight"] = {
            "encoder": "html", "type": highlighter, "fragment_size": 200, "number_of_fragments": 2,
            "highlight_query": {"bool": {"should": [_marks(need, field) for need in needs]}},
            "fields": {field: {}},
        }  # fmt: skip
    return body


def _need(need: Need) -> Json:
    best = []
    for alternative in need.alternatives:
        exact = {"bool": {"must": [_anywhere(sought) for sought in alternative.exact]}}
        also = [_anywhere(sought) for sought in alternative.also]
        if also:
            extra = {"bool": {"must": [_best(also, 1.0)], "boost": synonyms.BOOST}}
            best.append(_best([exact, extra], 1.0))
        else:
            best.append(exact)
    return _best(best, 0.0)


def _best(queries: list[Json], tie: float) -> Json:
    return queries[0] if len(queries) == 1 else {"dis_max": {"tie_breaker": tie, "queries": queries}}


def _anywhere(sought: Sought) -> Json:
    return _best(
        [
            {"match_phrase": {name: {"query": sought.text, "boost": boost}}}
            for field, boost in BOOSTS.items()
            for name in (field, f"{field}.en")
        ],
        0.2,
    )


def _marks(need: Need, field: str) -> Json:
    found = [
        {"match_phrase": {field: sought.text}}
        for alternative in need.alternatives
        for sought in (*alternative.exact, *alternative.also)
    ]
    return {"bool": {"should": found}}


class RawClient:
    """One kept-alive connection to the node."""

    def __init__(self, url: str) -> None:
        parts = urlsplit(url)
        self._connection = http.client.HTTPConnection(parts.hostname or "127.0.0.1", parts.port, timeout=120)

    def call(self, method: str, path: str, body: bytes = b"") -> Any:
        """Send one request; raise :class:`SystemExit` with what the engine said against it."""
        self._connection.request(method, path, body or None, {"content-type": "application/json"})
        answer = self._connection.getresponse()
        content = answer.read()
        if answer.status >= http.client.BAD_REQUEST:
            raise SystemExit(f"{method} {path}: {answer.status} {content[:500]!r}")
        return msgspec.json.decode(content)

    def search(self, body: bytes) -> Any:
        """Return the decoded answer of a search."""
        return self.call("POST", f"/{INDEX}/_search", body)

    def create(self) -> None:
        """Make the index anew."""
        self.drop()
        self.call("PUT", f"/{INDEX}", msgspec.json.encode(index_body()))

    def drop(self) -> None:
        """Remove the index."""
        self.call("DELETE", f"/{INDEX}?ignore_unavailable=true")

    def load(self, documents: Iterable[CandidateDocument]) -> Iterator[int]:
        """Index documents in bulk; yield how many are done after each request."""
        source, done = iter(documents), 0
        while batch := list(islice(source, BATCH)):
            lines = b"\n".join(
                part
                for one in batch
                for part in (
                    msgspec.json.encode({"index": {"_id": str(one.key)}}), msgspec.json.encode(document(one)),
                )
            )  # fmt: skip
            answer = self.call("POST", f"/{INDEX}/_bulk", lines + b"\n")
            if answer["errors"]:
                raise SystemExit(f"the raw index refused a document: {answer['items'][0]}")
            done += len(batch)
            yield done
        self.call("POST", f"/{INDEX}/_refresh")
