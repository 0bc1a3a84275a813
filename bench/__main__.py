"""``make bench``: every benchmark in turn, figures as a table and in ``bench/results/*.json``."""

from __future__ import annotations

import argparse

from bench import limits, relevance, search


def main() -> None:
    parser = argparse.ArgumentParser(prog="python -m bench", description=__doc__)
    parser.add_argument("--full", action="store_true", help="the long form: more requests")
    arguments = parser.parse_args()
    relevance.show(relevance.run(), tuning=False)
    search.run(candidates=10_000, requests=1_000 if arguments.full else 300)
    limits.run(candidates=1_000, requests=500 if arguments.full else 300)


if __name__ == "__main__":
    main()
