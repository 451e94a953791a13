#!/usr/bin/env bash
# clang-tidy over the product's sources, or some of them:
#
#   scripts/tidy.sh                  all
#   scripts/tidy.sh <file>...        these
#   scripts/tidy.sh --changed        those that differ from where this branch left TIDY_BASE
#                                    (origin/main if there is none), the tree's own changes included;
#                                    on main itself those of the last commits. At most TIDY_MOST, 8
#                                    by default, newest first: the rest has been seen before it came.
source "$(dirname "$0")/common.sh"

sources=(lib storage protocol replication app)

# The commit that what is new is counted from.
base() {
    local base
    base=$(git merge-base HEAD "${TIDY_BASE:-origin/main}" 2> /dev/null || true)
    if [ -z "$base" ] || [ "$base" = "$(git rev-parse HEAD)" ]; then
        base=$(git rev-list --max-count=10 HEAD | tail -n 1)
    fi
    echo "$base"
}

# A header is looked at through the file that is named alike.
changed() {
    {
        git diff --name-only HEAD -- "${sources[@]}"
        git log --format= --name-only "$(base)..HEAD" -- "${sources[@]}"
    } | sed -n 's/\.[ch]pp$/.cpp/p' | awk '!seen[$0]++' | while read -r file; do
        [ ! -f "$file" ] || echo "$file"
    done | head -n "${TIDY_MOST:-8}"
}

cmake --preset tidy > /dev/null
case ${1:-} in
    '') mapfile -t files < <(find "${sources[@]}" -name '*.cpp' | sort) ;;
    --changed) mapfile -t files < <(changed) ;;
    *) files=("$@") ;;
esac
[ ${#files[@]} -gt 0 ] || exit 0
say "clang-tidy: ${#files[@]} files"
printf '%s\0' "${files[@]}" |
    xargs -0 -n 1 -P "$jobs" clang-tidy-14 -p build/tidy --quiet --warnings-as-errors='*'
