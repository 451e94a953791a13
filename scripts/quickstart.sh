#!/usr/bin/env bash
# From a bare Debian 12 to a pair that survives a kill -9, in one command: installs what a build
# needs, builds, starts two nodes on this machine, shows what they do, and stops them again.
source "$(dirname "$0")/common.sh"

first=127.0.0.11
second=127.0.0.12
keys=10000
work=$(mktemp -d)
declare -A pid_of=()

stop_all() {
    for pid in "${pid_of[@]}"; do kill "$pid" 2> /dev/null || true; done
    wait
    rm -rf "$work"
}
trap stop_all EXIT

# ask <node> <line>...: sends the lines and prints the answer up to its last line.
ask() {
    local node=$1 line answer
    shift
    exec 3<> "/dev/tcp/$node/$port" || return 1
    for line in "$@"; do printf '%s\r\n' "$line" >&3; done
    while IFS= read -r -t 5 answer <&3; do
        answer=${answer%$'\r'}
        printf '%s\n' "$answer"
        case $answer in END | STORED | DELETED | ERROR | *_ERROR*) break ;; esac
    done
    exec 3>&-
}

show() {
    local node=$1
    shift
    printf '  %s> %s\n' "$node" "${*//$'\n'/ }"
    ask "$node" "$@" | sed "s/^/  $node< /"
}

is_open() { (exec 3<> "/dev/tcp/$1/$port") 2> /dev/null; }

milliseconds() { date +%s%3N; }

# start <node> <peer>: as repcached is started, on addresses that are both on this machine.
start() {
    local words=(build/product/twincached -l "$1" -p "$port" -m 256 -c 2048 -x "$2")
    [ "$port" = 11211 ] || words+=(-X $((port + 1)))
    [ "$(id -u)" -ne 0 ] || words+=(-u nobody)
    printf '  $ %s &\n' "${words[*]}"
    "${words[@]}" 2>> "$work/$1.log" &
    pid_of[$1]=$!
}

# wait_for <seconds> <what> <command...>
wait_for() {
    local deadline=$(($(milliseconds) + $1 * 1000)) what=$2
    shift 2
    until "$@"; do
        if [ "$(milliseconds)" -gt "$deadline" ]; then
            cat "$work"/*.log
            fail "$what: not in time"
        fi
        sleep 0.01
    done
}

fill() {
    local n
    exec 3<> "/dev/tcp/$1/$port"
    for ((n = 0; n < keys; ++n)); do printf 'set key%d 0 0 5 noreply\r\nvalue\r\n' "$n"; done >&3
    printf 'version\r\n' >&3
    IFS= read -r -t 20 _ <&3
    exec 3>&-
}

items() { ask "$1" stats | sed -n 's/^STAT curr_items //p'; }
holds_all() { [ "$(items "$1")" -ge "$keys" ]; }

say "What a build needs"
scripts/install-dependencies.sh build
say "Building (release)"
# A folder of its own: without the tests, a build needs less than the release preset asks for.
cmake --preset release -B build/product -DTWINCACHED_TESTS=OFF -DTWINCACHED_BENCHMARKS=OFF \
    > /dev/null
cmake --build build/product --parallel "$jobs" --target twincached

port=11211
while is_open "$first" || is_open "$second" || is_open 127.0.0.1; do port=$((port + 10)); done

say "Two nodes, each told of the other"
start "$first" "$second"
start "$second" "$first"
for node in "$first" "$second"; do wait_for 10 "$node opens its port" is_open "$node"; done

say "Written on one, read on the other"
show "$first" "set greeting 0 0 5" hello
show "$second" "get greeting"
fill "$first"
wait_for 5 "all keys are on the other node" holds_all "$second"
echo "  $keys more keys written on $first: $second holds $(items "$second") items"

say "kill -9 of the first"
kill -9 "${pid_of[$first]}"
wait "${pid_of[$first]}" 2> /dev/null || true
show "$second" "get greeting"
show "$second" "set meanwhile 0 0 4" news

say "The first comes back: refilled before its port opens"
began=$(milliseconds)
start "$first" "$second"
wait_for 10 "$first opens its port" is_open "$first"
echo "  port open after $(($(milliseconds) - began)) ms; it holds $(items "$first") items"
show "$first" "get greeting"
show "$first" "get meanwhile"
[ "$(items "$first")" -ge $((keys + 2)) ] || fail "the node came back without everything"

say "Done; both nodes are being stopped. The program is build/product/twincached"
