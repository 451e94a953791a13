#!/usr/bin/env bash
# clang-tidy over the product's sources, or over the files named.
source "$(dirname "$0")/common.sh"

cmake --preset tidy > /dev/null
files=("$@")
[ $# -gt 0 ] || mapfile -t files < <(find lib storage protocol replication app -name '*.cpp' | sort)
printf '%s\0' "${files[@]}" |
    xargs -0 -n 4 -P "$jobs" clang-tidy-14 -p build/tidy --quiet --warnings-as-errors='*'
