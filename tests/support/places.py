"""Where the repository's own files lie, as seen from the tests."""

from pathlib import Path

TESTS = Path(__file__).resolve().parents[1]
SUPPORT = TESTS / "support"
ROOT = TESTS.parent
GOLDEN = TESTS / "golden"
LEADERBOARD = ROOT / "leaderboard"
