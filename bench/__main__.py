"""``make bench``: every benchmark in turn, figures as a table and in ``bench/results/*.json``."""

from __future__ import annotations

import argparse
import os

from bench import engine, limits, load, rebuild, relevance, scale, search


def main() -> None:
    parser = argparse.ArgumentParser(prog="python -m bench", description=__doc__)
    parser.add_argument(
        "--full", action="store_true", help="the long form: more requests, a million candidates (an hour)"
    )
    arguments = parser.parse_args()
    relevance.show(relevance.run(), tuning=False)
    search.run(candidates=10_000, requests=1_000 if arguments.full else 300)
    limits.run(candidates=1_000, requests=500 if arguments.full else 300)
    if not os.environ.get("OPENSEARCH_URL"):
        print("OPENSEARCH_URL is not set: what needs a real node (`make opensearch`) was left out")
        return
    engine.run(candidates=100_000, requests=400, seconds=20)
    rebuild.run(candidates=20_000, rounds=3 if arguments.full else 2)
    load.run(candidates=20_000, seconds=60)
    if arguments.full:
        scale.run([100_000, 1_000_000], shards=None, requests=300, seconds=20)


if __name__ == "__main__":
    main()
