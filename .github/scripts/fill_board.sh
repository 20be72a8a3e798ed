#!/usr/bin/env bash
# Make all rows of a board again, in a leaderboard that has none of them yet.
#
#     fill_board.sh BOARD FRESH     BOARD: leaderboard/boards/BOARD.toml; FRESH: a new folder for the leaderboard
#
# FILL_ARGS: what `leaderboard fill` is given besides, for instance --dry-run.
set -euo pipefail
mkdir "$2"
# shellcheck disable=SC2086
"${BENCH:-vreid-bench}" leaderboard fill "leaderboard/boards/$1.toml" --dir "$2" --runs build/weekly \
    --jobs "$(nproc)" --quiet ${FILL_ARGS:-}
