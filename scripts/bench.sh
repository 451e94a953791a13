#!/usr/bin/env bash
# What twincached costs and holds, beside Debian's memcached in the same run: CPU per request, bytes
# per item, items that fit, the speed of a join, and what being a pair costs a set. A few minutes on
# two cores, which nothing else should use meanwhile. Absolute figures move with the machine; the
# ratios are what to keep.
source "$(dirname "$0")/common.sh"

scripts/install-dependencies.sh test
build release twincached mcload
say "$(date --iso-8601=minutes), $(nproc) cores, $(free -h --si | awk '/^Mem/ {print $2}') of memory, \
$(git describe --always --dirty 2> /dev/null || echo unknown commit)"
for script in cpu_per_operation bytes_per_item join_rate pair_figures; do
    say "$script"
    /usr/bin/python3 -B "test/bench/$script.py"
done
