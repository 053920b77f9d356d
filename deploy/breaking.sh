#!/bin/sh
# Contracts may only grow: compares protos/ and the feed's AsyncAPI document with the last commit on main (or, on main itself, the one before).
set -eu
buf=$(cd "$(dirname "$1")" && pwd)/$(basename "$1")
root=$(git rev-parse --show-toplevel 2>/dev/null) || { echo "no git history here: nothing to compare with"; exit 0; }
base=$(git rev-parse --verify --quiet origin/main || git rev-parse --verify --quiet main) || { echo "no main to compare with"; exit 0; }
[ "$base" = "$(git rev-parse HEAD)" ] && base=$(git rev-parse --verify --quiet HEAD~1 || true)
[ -n "$base" ] && git cat-file -e "$base:protos/buf.yaml" 2>/dev/null || { echo "the first commit of the contracts"; exit 0; }
old=$(mktemp -d)
trap 'rm -rf "$old"' EXIT
git -C "$root" archive "$base" protos | tar -x -C "$old"
(cd "$root/protos" && "$buf" breaking --against "$old/protos")
feed=deploy/feed/asyncapi.json
git cat-file -e "$base:$feed" 2>/dev/null || { echo "the first commit of the feed's contract"; exit 0; }
git -C "$root" show "$base:$feed" > "$old/asyncapi.json"
cd "$root" && "$(dirname "$buf")/yimen" feed asyncapi --against "$old/asyncapi.json"
