#!/bin/sh
# Prints the commit that this checkout is compared with: the last one on main or, on main itself, the one before it.
# Prints nothing where there is no history.
git rev-parse --show-toplevel >/dev/null 2>&1 || exit 0
base=$(git rev-parse --verify --quiet origin/main || git rev-parse --verify --quiet main) || exit 0
[ "$base" = "$(git rev-parse HEAD)" ] && base=$(git rev-parse --verify --quiet HEAD~1)
echo "$base"
