#!/usr/bin/env bash
# Compare the rows that were made again with those that are published, and publish them if a score left its interval.
#
#     compare_board.sh FRESH        FRESH: a leaderboard with the rows that were made again
#
# Writes drift.md, and `left=true` or `left=false` to $GITHUB_OUTPUT. If a score left its interval, the records of
# leaderboard/ are replaced and its pages written anew; what leaderboard/ had before is in the git history.
set -euo pipefail
fresh=$1
bench=${BENCH:-vreid-bench}
code=0
$bench leaderboard drift leaderboard "$fresh" --partial --exit-code >drift.md || code=$?
[ "$code" -le 1 ] || exit "$code"
cat drift.md >>"$GITHUB_STEP_SUMMARY"
if [ "$code" = 0 ]; then
    echo left=false >>"$GITHUB_OUTPUT"
    exit 0
fi
echo left=true >>"$GITHUB_OUTPUT"
shopt -s globstar nullglob
# Rows of other data cannot take the place of published ones: they are listed, and the others are added.
$bench leaderboard add --replace "$fresh"/records/**/*.json >added.txt 2>refused.txt || true
[ ! -s refused.txt ] || { printf '\n## Not replaced\n\n```text\n' && cat refused.txt && printf '```\n'; } >>drift.md
