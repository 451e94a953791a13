#!/usr/bin/env bash
# Runs every test of the project on a bare Debian 12, or some stages of it:
#
#   scripts/test.sh                  all stages
#   scripts/test.sh asan tsan        these
#
#   install  what the tests need, with apt; as soon as there is a compiler, it is put to work
#   format   clang-format has nothing to change
#   tidy     clang-tidy over what was changed last, each file compiled with its own includes alone
#   release  what is shipped: simulation, model, conformance, integration and chaos tests, manuals
#   clients  client libraries in eight languages and readers of statistics, all installed with apt
#            and npm; none may be missing
#   asan     clang's warnings and thread-safety analysis; unit tests, the tree's own rules, simulation
#            and integration tests under address and undefined behaviour sanitizers
#   tsan     integration tests, and the unit tests that start threads, under the thread sanitizer
#   swarm    what only optimised code can reach: a swarm of simulations (SIMULATION_SEEDS in all,
#            6,000 by default, from SIMULATION_FIRST on, a 20th of them as engines that find each
#            other, and a 10th as clusters)
#   fuzz     every fuzzer of the build asan for a while (FUZZ_SECONDS of CPU in all, 60 by default)
#
#   scripts/test.sh package          makes the Debian package, has lintian judge it, makes it again
#                                    elsewhere and compares the two, and installs, runs, upgrades and
#                                    purges it in a root that systemd has booted: takes root's rights
#                                    and a Debian mirror
#   scripts/test.sh image            builds the container image, with no registry, and runs two of it that
#                                    become a pair: the same rights, and ten minutes at first
#   scripts/test.sh quick            unit tests, layering and format: before each commit
#
# Tests in real time mostly wait. What comes later and waits for nothing (the next build, the swarm,
# the fuzzers) runs beside them, on what they leave of the cores.
source "$(dirname "$0")/common.sh"

all_stages=(install format tidy release clients asan tsan swarm fuzz)

run_ctest() {
    local preset=$1
    shift
    ctest --test-dir "build/$preset" --output-on-failure --parallel "$jobs" --no-tests=error "$@"
}

# Tests of real processes in real time: a bound that a busy machine broke is tried once more, and
# ctest shows both runs. All others must pass at once. They wait for each other's daemons more than
# they compute: one more than there are cores leaves none of these idle beside a build, three times
# as many where little is left to do beside them.
at_once=$((jobs + 1))
run_timed() { run_ctest "$@" --repeat until-pass:2 --parallel "$at_once"; }

# run_beside <preset> <options of ctest>: on what is left of the cores; `await_beside` shows it.
# Whatever it is, it must pass at once.
run_beside() {
    local log=$beside/$1.computing
    (
        renice -n 10 -p $BASHPID > /dev/null
        run_ctest "$@" > "$log" 2>&1
    ) &
}
await_beside() {
    local status=0
    wait $! || status=$?
    cat "$beside/$1.computing"
    return $status
}

# run_daemons <sanitizer>: what has real threads and processes. The program `threads`, of few seconds,
# has bounds in real time and no second try: it has the machine for itself. `drivers` has none either,
# but mostly waits.
run_daemons() {
    local at_once=$((jobs * 3)) status=0
    run_ctest "$1" -R '^threads$'
    run_beside "$1" -R '^drivers$'
    run_timed "$1" -L 'integration|broker' || status=$?
    await_beside "$1" && return $status
}

stage_install() {
    scripts/install-dependencies.sh compile
    ahead release_build
    scripts/install-dependencies.sh test
    ! is_asked clients || scripts/install-dependencies.sh clients
}

stage_format() {
    find lib storage protocol replication app test -name '*.[ch]pp' -print0 |
        xargs -0 clang-format-14 --dry-run --Werror
}

stage_quick() {
    stage_format
    build quick
    run_ctest quick -L unit
}

stage_tidy() { scripts/tidy.sh --changed; }

# Fewer seeds than by default where the stage `swarm` looks at many more. No unit test is linked: they
# run under sanitizers, which see all that a plain build would, and assertions are on there.
stage_release() {
    finish release_build
    ahead clients_build asan_build asan_computing tsan_build swarm_run fuzz_run
    SIMULATION_SEEDS=200 SWARM_SEEDS=20 run_ctest release -LE 'unit|broker|integration|chaos|clients'
    TWINCACHED_JOIN_ITEMS=2000000 run_timed release -L 'integration|chaos'
}
stage_release_build() {
    build release twincached twinctl mcload manuals models integration_tests simulation_tests
}

stage_clients() {
    finish clients_build
    TWINCACHED_ALL_CLIENTS=1 run_timed release -L clients
}
stage_clients_build() {
    scripts/install-dependencies.sh clients
    build release twincached twinctl mcload
    scripts/build-clients.sh
}

stage_package() {
    scripts/install-dependencies.sh package-tests
    scripts/package.sh
    compare_with_another_build build/package/*.deb
    as_root env PACKAGE="$(echo build/package/*.deb)" ROOT=build/package-root.tar \
        /usr/bin/python3 -B test/install/test_package.py
}

# The same commit, compiled anew in a folder of another length: the same file, to the last byte.
compare_with_another_build() {
    local package=$1 elsewhere
    git diff --quiet HEAD || { say "not compared with another build: there are changes"; return; }
    elsewhere=$(mktemp -d)
    git clone --quiet . "$elsewhere/a-folder-of-another-name"
    (cd "$elsewhere/a-folder-of-another-name" && CCACHE_DISABLE=1 scripts/package.sh "$elsewhere/build")
    cmp "$package" "$elsewhere/build/$(basename "$package")"
    rm -rf "$elsewhere"
}

stage_image() {
    scripts/install-dependencies.sh image
    as_root env WORK=build/image /usr/bin/python3 -B test/install/test_image.py
}

stage_asan() {
    finish asan_build
    finish asan_computing
    run_daemons asan
}
stage_asan_computing() {
    SIMULATION_SEEDS=100 SWARM_SEEDS=5 run_ctest asan -L 'unit|simulation' -LE threads
}
# Benchmarks are only to compile: linked for speed, they would cost as much as the daemon.
stage_asan_build() {
    build asan unit_tests tree_tests broker_tests integration_tests simulation_tests twincached \
        twinctl mcload fuzzers benchmarks
}

# In a test of one thread there is nothing to find.
stage_tsan() {
    finish tsan_build
    run_daemons tsan
}
stage_tsan_build() { build tsan threads_tests broker_tests integration_tests twincached twinctl mcload; }

stage_swarm() { finish swarm_run; }
stage_swarm_run() {
    build release twincached twinctl mcload simulation_tests
    run_swarm
}

# The same seeds at each run: what fails is then new. A hunt is for other ones, by hand, with
# SIMULATION_FIRST. A seed that fails prints the line that repeats it.
run_swarm() {
    local first=${SIMULATION_FIRST:-1795387717000} seeds=${SIMULATION_SEEDS:-6000}
    local job processes=() share=$((seeds / jobs))
    echo "SIMULATION_FIRST=$first, $jobs times $share seeds"
    for ((job = 0; job < jobs; job++)); do
        SIMULATION_FIRST=$((first + job * share)) SIMULATION_SEEDS=$share \
            build/release/test/simulation/simulation "at rest*" &
        processes+=($!)
    done
    for job in "${processes[@]}"; do wait "$job"; done
    SWARM_SEEDS=$((seeds / 10)) build/release/test/simulation/simulation_cluster "whatever happens*" &
    job=$!
    SWARM_SEEDS=$((seeds / 20)) build/release/test/simulation/simulation "whatever happens*"
    wait $job
}

stage_fuzz() { finish fuzz_run; }

# Each fuzzer starts from its corpus in the tree and keeps what it finds in the build folder; one
# runs on each core.
stage_fuzz_run() {
    build asan fuzzers
    local programs=(build/asan/test/fuzz/*_fuzzer)
    [ -x "${programs[0]}" ] || fail "no fuzzers were built"
    export fuzz_seconds=$((${FUZZ_SECONDS:-60} / ${#programs[@]}))
    export -f run_fuzzer
    printf '%s\0' "${programs[@]}" | xargs -0 -n 1 -P "$jobs" bash -c 'set -euo pipefail; run_fuzzer "$0"'
}

# A fuzzer that has had its time, of CPU and so as much on a busy machine, is ended by the kernel
# (128 + SIGXCPU); what ends otherwise has found something.
run_fuzzer() {
    local name found status=0 extra=()
    name=$(basename "$1" _fuzzer)
    found=build/asan/found/$name
    mkdir -p "$found"
    [ ! -f "test/fuzz/$name.dict" ] || extra+=("-dict=test/fuzz/$name.dict")
    [ ! -d "test/fuzz/corpus/$name" ] || extra+=("test/fuzz/corpus/$name")
    {
        (
            ulimit -S -t "$fuzz_seconds"
            exec "$1" -artifact_prefix=build/asan/found/ "$found" "${extra[@]}" > "$found.log" 2>&1
        )
    } 2> /dev/null || status=$?
    if [ $status -ne 152 ]; then
        tail -n 60 "$found.log"
        echo "$name ended with $status"
        return 1
    fi
    printf '%s: %s\n' "$name" "$(grep '^#' "$found.log" | tail -n 1)"
}

# --- which stages, in which order, and what runs beside them -----------------------------------

stages=("$@")
[ $# -gt 0 ] || stages=("${all_stages[@]}")
for stage in "${stages[@]}"; do
    declare -F "stage_$stage" > /dev/null || fail "no stage $stage; there are: ${all_stages[*]}"
done

# What runs ahead leaves here its process group and the names of its parts; each of them what it
# prints, its CPU time, at last its status.
beside=$(mktemp -d)
end_what_runs_beside() {
    [ ! -f "$beside/group" ] || kill -- "-$(cat "$beside/group")" 2> /dev/null || true
    rm -rf "$beside"
}
trap end_what_runs_beside EXIT

is_asked() { [[ " ${stages[*]} " == *" $1 "* ]]; }

# ahead <part of a stage>...: does them now, one after the other, if their stages were asked for. They
# get what others leave: the idle class, and the least weight for their group of processes.
ahead() {
    local part parts=()
    for part in "$@"; do
        ! is_asked "${part%_*}" || parts+=("$part")
    done
    [ ${#parts[@]} -gt 0 ] || return 0
    setsid chrt --idle 0 bash -c '
        (echo 19 > /proc/self/autogroup) 2> /dev/null
        script=$0 beside=$1 TIMEFORMAT="%0U %0S"
        shift
        for part in "$@"; do
            { time "$script" "$part" > "$beside/$part.log" 2>&1; } 2> "$beside/$part.time"
            echo $? > "$beside/$part.ending" && mv "$beside/$part.ending" "$beside/$part.status"
        done
    ' "$root/scripts/test.sh" "$beside" "${parts[@]}" > /dev/null 2>&1 &
    echo $! > "$beside/group"
    echo "${parts[*]}" > "$beside/begun"
}

# weigh <class> <weight>: what runs ahead, and all that it starts from now on, gets so much.
weigh() {
    local group process
    group=$(cat "$beside/group")
    (echo "$2" > "/proc/$group/autogroup") 2> /dev/null || true
    for process in $(pgrep -g "$group"); do
        chrt "--$1" --pid 0 "$process" 2> /dev/null || true
    done
}

is_begun() { [ -f "$beside/begun" ] && [[ " $(cat "$beside/begun") " == *" $1 "* ]]; }

# finish <part>: what was to be done ahead is waited for, and what it printed is shown; else it runs
# now. What is waited for goes on as if it had not been begun ahead.
finish() {
    local part=$beside/$1 group
    if ! is_begun "$1"; then
        "stage_$1"
        return
    fi
    if [ ! -f "$part.status" ]; then
        group=$(cat "$beside/group")
        weigh other 0
        until [ -f "$part.status" ]; do
            sleep 0.2
            [ -f "$part.status" ] || kill -0 "$group" || return 1
        done
        weigh idle 19
    fi
    cat "$part.log"
    : > "$part.log"
    return "$(cat "$part.status")"
}

# The CPU time of a part that ran ahead counts as its stage's.
seconds_ahead() { cat "$beside/$1"_*.time 2> /dev/null || true; }

failed=()
table=$(printf '%-8s %8s %12s' stage seconds CPU-seconds)
# A failure ends its stage, not those after it. (In a condition bash would ignore `set -e`.)
run_stage() { (set -e; "stage_$stage") 2>&4; }

exec 4>&2
TIMEFORMAT='%0R %0U %0S'
for stage in "${stages[@]}"; do
    say "stage $stage"
    set +e
    { time run_stage; } 2> "$beside/times"
    status=$?
    set -e
    [ $status -eq 0 ] || failed+=("$stage")
    read -r seconds user system < "$beside/times"
    echo "stage $stage: $seconds s"
    cpu_seconds=$((user + system))
    for part in $(seconds_ahead "$stage"); do cpu_seconds=$((cpu_seconds + part)); done
    table+=$(printf '\n%-8s %8d %12d' "$stage" "$seconds" "$cpu_seconds")
done
say "$(nproc) cores, $SECONDS s in all"
echo "$table"
say "stages: $((${#stages[@]} - ${#failed[@]})) passed, ${#failed[@]} failed${failed[*]:+: ${failed[*]}}"
[ ${#failed[@]} -eq 0 ]
