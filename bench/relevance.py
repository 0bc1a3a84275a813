"""How well the order by relevance finds people of a field, beside plain BM25 on the same text.

``python -m bench.relevance``: P@10 and nDCG@10 by kind of query, on the queries kept apart from
tuning (``--tuning`` shows the others). Plain BM25 is the engine's own: one field with the language's
stemmer, any word may match, as a careful user would set it up. Field known by construction; the
relevant CVs of a query are those of its field.
"""

from __future__ import annotations

import argparse
import math
import tempfile
from collections import defaultdict
from collections.abc import Callable, Sequence
from datetime import date
from pathlib import Path
from statistics import fmean
from uuid import UUID

import tantivy
from rich.console import Console
from rich.table import Table

from bench.relevance_corpus import LANGUAGES, AskedQuery, GeneratedCV, Language, corpus, queries
from marketplace.search import words
from marketplace.search.document import CandidateDocument
from marketplace.search.port import SearchIndex
from marketplace.search.query import SearchQuery, Sort, Visibility
from marketplace.search.tantivy import TantivyIndex

DEPTH = 10
TODAY = date(2026, 11, 25)
NONE_DAY = 21991231
COUNTRY: dict[Language, str] = {"fr": "FR", "en": "GB"}
KINDS = ("field name", "synonym", "other language")

Ranking = Callable[[AskedQuery], Sequence[int]]


def document(cv: GeneratedCV) -> CandidateDocument:
    """Return a CV as the index takes it; nothing but its text says its field."""
    return CandidateDocument(
        key=cv.number, candidate_id=UUID(int=cv.number), version=1, country=COUNTRY[cv.language],
        region="FR-IDF", job_fields=(), start_month="2027-09", start_on=20270901, start_last=20270930,
        flex_from=20270901, flex_to=20270930, skills=(), languages=(), education_level=None,
        fresh_on=20261120, visible_until_on=NONE_DAY,
        may_work_until={COUNTRY[cv.language]: NONE_DAY},
        headline=cv.headline, skills_text=", ".join(cv.skills), cv_text=cv.text,
    )  # fmt: skip


class PlainBM25:
    """The engine as it comes: one text a CV, the language's stemmer, any word may match."""

    def __init__(self, cvs: Sequence[GeneratedCV], language: Language) -> None:
        builder = tantivy.SchemaBuilder()
        builder.add_integer_field("key", stored=True)
        builder.add_text_field("text", tokenizer_name="stemmed")
        self._schema = builder.build()
        self._index = tantivy.Index(self._schema)
        analyzer = (
            tantivy.TextAnalyzerBuilder(tantivy.Tokenizer.simple())
            .filter(tantivy.Filter.lowercase())
            .filter(tantivy.Filter.ascii_fold())
            .filter(tantivy.Filter.stemmer("french" if language == "fr" else "english"))
            .build()
        )
        self._analyzer = analyzer
        self._index.register_tokenizer("stemmed", analyzer)
        writer = self._index.writer(32_000_000, 1)
        for cv in cvs:
            text = "\n".join((cv.headline, ", ".join(cv.skills), cv.text))
            writer.add_document(tantivy.Document.from_dict({"key": cv.number, "text": text}, self._schema))
        writer.commit()
        writer.wait_merging_threads()
        self._index.reload()

    def __call__(self, query: AskedQuery) -> Sequence[int]:
        terms = [
            (tantivy.Occur.Should, tantivy.Query.term_query(self._schema, "text", token))
            for token in self._analyzer.analyze(query.text)
        ]
        searcher = self._index.searcher()
        found = searcher.search(tantivy.Query.boolean_query(terms), DEPTH).hits
        return [searcher.doc(address).to_dict()["key"][0] for _, address in found]


def ours(index: SearchIndex) -> Ranking:
    """Return the ranking of the service's engine, through its port."""

    def rank(query: AskedQuery) -> Sequence[int]:
        country = COUNTRY[query.corpus]
        page = index.search(
            SearchQuery(
                visibility=Visibility(country=country, job_country=country, today=TODAY),
                words=words.parse(query.text), sort=Sort.RELEVANCE, size=DEPTH, with_facets=False,
            )
        )  # fmt: skip
        return [hit.key for hit in page.hits]

    return rank


def precision(gains: Sequence[int]) -> float:
    """Return P@10: the share of ten places that are relevant; an empty place is not."""
    return sum(gains) / DEPTH


def ndcg(gains: Sequence[int], relevant: int) -> float:
    """Return nDCG@10 with binary gains (Järvelin and Kekäläinen, 2002)."""
    ideal = sum(1 / math.log2(place + 2) for place in range(min(DEPTH, relevant)))
    return sum(gain / math.log2(place + 2) for place, gain in enumerate(gains)) / ideal


Figures = dict[str, tuple[float, float, int]]


def measure(
    rankings: dict[Language, Ranking], fields: dict[Language, dict[int, str]], *, tuning: bool
) -> Figures:
    """Return mean P@10, mean nDCG@10 and the number of queries, by kind of query."""
    scores: dict[str, list[tuple[float, float]]] = defaultdict(list)
    for query in queries():
        if query.is_for_tuning is not tuning:
            continue
        field_of = fields[query.corpus]
        gains = [int(field_of[key] == query.job_field) for key in rankings[query.corpus](query)]
        relevant = sum(field == query.job_field for field in field_of.values())
        scores[query.kind].append((precision(gains), ndcg(gains, relevant)))
    return {
        kind: (fmean(p for p, _ in rows), fmean(n for _, n in rows), len(rows))
        for kind, rows in scores.items()
    }


def run(per_field: int = 40, *, tuning: bool = False, folder: Path | None = None) -> dict[str, Figures]:
    """Measure both rankings on one corpus; return the figures of ``service`` and ``bm25``."""
    cvs = {language: list(corpus(language, per_field)) for language in LANGUAGES}
    fields = {language: {cv.number: cv.job_field for cv in made} for language, made in cvs.items()}
    plain: dict[Language, Ranking] = {language: PlainBM25(made, language) for language, made in cvs.items()}
    with tempfile.TemporaryDirectory() as made_here:
        index = TantivyIndex(folder or Path(made_here))
        for language, made in cvs.items():
            index.rebuild(COUNTRY[language], map(document, made))
        service: dict[Language, Ranking] = dict.fromkeys(LANGUAGES, ours(index))
        return {
            "service": measure(service, fields, tuning=tuning),
            "bm25": measure(plain, fields, tuning=tuning),
        }


def show(figures: dict[str, Figures], *, tuning: bool) -> None:
    """Print the table."""
    table = Table(title=f"relevance, {'tuning' if tuning else 'held-out'} queries")
    for column in ("queries", "n", "P@10", "BM25", "difference", "nDCG@10", "BM25", "difference"):
        table.add_column(column, justify="left" if column == "queries" else "right")
    for kind in KINDS:
        (p, n, number), (bp, bn, _) = figures["service"][kind], figures["bm25"][kind]
        cells = (p, bp, p - bp, n, bn, n - bn)
        table.add_row(kind, str(number), *(f"{cell:.3f}" for cell in cells))
    Console().print(table)


def main() -> None:
    parser = argparse.ArgumentParser(prog="python -m bench.relevance", description=__doc__)
    parser.add_argument("--tuning", action="store_true", help="the queries weights were tuned on")
    parser.add_argument("--per-field", type=int, default=40, help="CVs of each field and language")
    arguments = parser.parse_args()
    show(run(arguments.per_field, tuning=arguments.tuning), tuning=arguments.tuning)


if __name__ == "__main__":
    main()
