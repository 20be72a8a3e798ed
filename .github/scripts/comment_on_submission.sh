#!/usr/bin/env bash
# Write a report of submitted records under its pull request.
#
#     GH_TOKEN=... REPOSITORY=owner/name OWNER=... BRANCH=... SHA=... comment_on_submission.sh report.txt
#
# The pull request is found by the branch and commit that the event names, not by anything in the report.
set -euo pipefail
here=$(dirname "$0")
number=$(gh api --method GET "repos/$REPOSITORY/pulls" -f state=open -f "head=$OWNER:$BRANCH" \
    --jq "map(select(.head.sha == env.SHA)) | first | .number // empty")
if [[ ! $number =~ ^[0-9]+$ ]]; then
    echo "no open pull request has this commit: it was closed, or pushed to since"
    exit 0
fi
python3 "$here/quote_report.py" "$1" >comment.md
gh pr comment "$number" --repo "$REPOSITORY" --body-file comment.md
