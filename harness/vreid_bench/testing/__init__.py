"""Conformance checks for plugins: the laws of each kind, as named checks that an author's tests and `check` run."""

from vreid_bench.testing.check import Check, NonConformance, Outcome
from vreid_bench.testing.kit import LAWS, list_checks

__all__ = ["LAWS", "Check", "NonConformance", "Outcome", "list_checks"]
