"""How OpenSearch stores the one document definition: fields, analysis, settings of an index.

The text fields get the output of ``analysis.indexed`` and cut it at blanks; alternatives at one
position (``développeur|développeuse``) become two tokens there. So the tokens are those of every
other engine. Nothing of a document is kept but what is asked for: no ``_source``, no offsets.
"""

from __future__ import annotations

import hashlib
from collections.abc import Mapping
from functools import cache
from typing import Any

from marketplace.search import analysis
from marketplace.search.document import SCHEMA, Field, Kind

POSITIONS = "positions"
"""The analyzer of searched texts."""

GONE = "gone"
"""Marks a removal in an index that is being built; purged when it is complete."""

_READ_BACK = frozenset({"id_high", "id_low", "version", "order_fresh", "order_start"})
"""Numbers that are sorted by or read back, never filtered by."""

_MANY_BITS = _READ_BACK | {"key"}


def index_body(*, shards: int, replicas: int, is_loading: bool = False) -> dict[str, Any]:
    """Return settings and mapping of an index. While loading it neither refreshes nor copies."""
    return {
        "settings": {
            "index": {
                "number_of_shards": shards,
                "number_of_replicas": 0 if is_loading else replicas,
                "refresh_interval": "-1" if is_loading else "1s",
                # Words at one position count towards a text's length, as on the other engine.
                "similarity": {"default": {"type": "BM25", "discount_overlaps": False}},
            },
            "analysis": {
                "filter": {
                    "alternatives": {
                        "type": "pattern_capture", "preserve_original": False, "patterns": ["([^|]+)"],
                    }
                },
                "analyzer": {
                    POSITIONS: {"type": "custom", "tokenizer": "whitespace", "filter": ["alternatives"]}
                },
            },
        },
        "mappings": mapping(),
    }  # fmt: skip


def mapping() -> dict[str, Any]:
    """Return the mapping, with the fingerprints that say whether it fits a version of the code."""
    return {
        "dynamic": "strict",
        "_source": {"enabled": False},
        "_meta": {"fields": fields_fingerprint(), "analysis": analysis_fingerprint()},
        "properties": _properties(),
    }


def _properties() -> dict[str, Any]:
    return {**{field.name: _stored(field) for field in SCHEMA}, GONE: {"type": "boolean"}}


def _stored(field: Field) -> Mapping[str, Any]:
    if field.kind is Kind.KEYWORD:
        return {"type": "keyword"}
    if field.kind is Kind.NUMBER:
        number = "long" if field.name in _MANY_BITS else "integer"
        return {"type": number, "index": field.name not in _READ_BACK}
    if field.boost > 0:
        return {"type": "text", "analyzer": POSITIONS, "index_options": "positions"}
    return {"type": "text", "analyzer": "whitespace", "index_options": "docs", "norms": False}


@cache
def fields_fingerprint() -> str:
    """Return what changes when an index of other fields could not answer this code's questions."""
    return hashlib.sha256(repr(_properties()).encode()).hexdigest()[:16]


def analysis_fingerprint() -> str:
    """Return what changes when the same text would be stored as other words."""
    return analysis.fingerprint()[:16]
