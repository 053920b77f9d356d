#!/bin/sh
# Contracts may only grow: compares protos/ and the feed's AsyncAPI document with the last commit on main (or, on main itself, the one before).
set -eu
buf=$(cd "$(dirname "$1")" && pwd)/$(basename "$1")
root=$(cd "$(dirname "$0")/.." && pwd)
base=$(cd "$root" && sh deploy/last_main.sh)
[ -n "$base" ] || { echo "no history to compare with"; exit 0; }
cd "$root"
git cat-file -e "$base:protos/buf.yaml" 2>/dev/null || { echo "the first commit of the contracts"; exit 0; }
old=$(mktemp -d)
trap 'rm -rf "$old"' EXIT
git -C "$root" archive "$base" protos | tar -x -C "$old"
(cd "$root/protos" && "$buf" breaking --against "$old/protos")
feed=deploy/feed/asyncapi.json
git cat-file -e "$base:$feed" 2>/dev/null || { echo "the first commit of the feed's contract"; exit 0; }
git -C "$root" show "$base:$feed" > "$old/asyncapi.json"
cd "$root" && "$(dirname "$buf")/yimen" feed asyncapi --against "$old/asyncapi.json"
