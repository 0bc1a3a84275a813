"""Benchmarks: ratios measured in one run; ``docs/benchmarks.md`` says what and how."""
