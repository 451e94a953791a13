#!/usr/bin/env bash
# What twincached costs and holds beside memcached in the same run. `--quick`: CPU per request,
# throughput and latency, in five minutes. Without it also the rarer workloads, bytes per item,
# misses, the speed of a join and the figures of a pair: an hour. Two cores are enough; nothing else
# should use them meanwhile. Absolute figures move with the machine; the ratios are what to keep.
# Other words go to test/bench/suite.py, as `--peer 'name=command line'`.
source "$(dirname "$0")/common.sh"

scripts/install-dependencies.sh test
build release twincached mcload misses
say "$(date --iso-8601=minutes), $(nproc) cores, $(free -h --si | awk '/^Mem/ {print $2}') of memory, \
$(git describe --always --dirty 2> /dev/null || echo unknown commit)"
say suite
/usr/bin/python3 -B test/bench/suite.py "$@"
if [[ " $* " == *" --quick "* ]]; then exit; fi

say misses
build/release/test/bench/misses --seed 7 --json | tee build/release/misses.json
for script in bytes_per_item join_rate pair_figures; do
    say "$script"
    /usr/bin/python3 -B "test/bench/$script.py"
done
/usr/bin/python3 -B test/bench/cpu_per_operation.py --pair-only
say "docs/PERFORMANCE.md is made of it by
test/bench/performance_page.py build/release/suite.json build/release/misses.json"
