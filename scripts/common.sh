# Sourced by the scripts beside it: where the tree is, how they speak, how they become root.
set -euo pipefail
root=$(cd "$(dirname "${BASH_SOURCE[0]}")/.." && pwd)
cd "$root"

say() { printf '\n== %s\n' "$*"; }
fail() { printf '%s: %s\n' "$(basename "$0")" "$*" >&2; exit 1; }

as_root() {
    if [ "$(id -u)" -eq 0 ]; then
        "$@"
    elif command -v sudo > /dev/null; then
        sudo "$@"
    else
        fail "needs root or sudo for: $*"
    fi
}

# Where there is a ccache, it shall take precompiled headers for what they are, and the compiler's word
# for what a file includes: to preprocess each file for that costs a tenth of a cold build.
export CCACHE_SLOPPINESS=pch_defines,time_macros,include_file_mtime,include_file_ctime
export CCACHE_DEPEND=1

# Two cores build two files; more would only make each slower.
jobs=$(nproc)

# build <preset> [target...]: configures when needed, then builds with what the machine has.
build() {
    local preset=$1
    shift
    cmake --preset "$preset" > /dev/null
    cmake --build --preset "$preset" --parallel "$jobs" ${1:+--target "$@"}
}
