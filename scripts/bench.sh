#!/usr/bin/env bash
# What twincached costs and holds beside Debian's memcached, yrmcds and redis in the same run.
#
#   scripts/bench.sh                  all of it, with misses and the figures of a pair: an hour
#   scripts/bench.sh --quick          CPU per request, latency, TLS, start: five minutes
#   scripts/bench.sh --only tls       a group or some workloads anew; the other rows stay
#   scripts/bench.sh --missing        what an interrupted run has not measured
#   scripts/bench.sh --peer 'name=command line'
#
# (All of these go to test/bench/suite.py, whose --help says more.) Two cores are enough; nothing else
# should use them meanwhile. Absolute figures move with the machine; the ratios are what to keep.
source "$(dirname "$0")/common.sh"

scripts/install-dependencies.sh test
build release twincached mcload misses floor
say "$(date --iso-8601=minutes), $(nproc) cores, $(free -h --si | awk '/^Mem/ {print $2}') of memory, \
$(git describe --always --dirty 2> /dev/null || echo unknown commit)"
say suite
/usr/bin/python3 -B test/bench/suite.py "$@"
for word in "$@"; do
    case $word in --quick | --only | --only=* | --missing) exit ;; esac
done

say misses
build/release/test/bench/misses --seed 7 --json | tee build/release/misses.json
for script in join_rate pair_figures; do
    say "$script"
    /usr/bin/python3 -B "test/bench/$script.py"
done
say "docs/PERFORMANCE.md is made of it by
test/bench/performance_page.py build/release/suite.json build/release/misses.json"
