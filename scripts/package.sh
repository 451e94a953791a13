#!/usr/bin/env bash
# Installs what that takes, makes the Debian package, build/package/twincached_<version>_<architecture>.deb,
# and has lintian look at it where that is installed:
#
#   scripts/package.sh [folder]      the folder to build in, build/package by default
#
# Times are the commit's and paths are left out, so that the same commit gives the same file wherever it
# is built with the same packages.
source "$(dirname "$0")/common.sh"

folder=${1:-build/package}
scripts/install-dependencies.sh package
commit=$(git rev-parse --short=12 HEAD 2> /dev/null || true)
[ -z "$commit" ] || git diff --quiet HEAD || commit+=+changes
SOURCE_DATE_EPOCH=${SOURCE_DATE_EPOCH:-$(git log -1 --format=%ct 2> /dev/null || date -r CHANGELOG.md +%s)}
export SOURCE_DATE_EPOCH
umask 022

say "Building (release)"
cmake --preset release -B "$folder" -DCMAKE_INSTALL_PREFIX=/usr -DCMAKE_INSTALL_SYSCONFDIR=/etc \
    -DTWINCACHED_UNIT_DIR=/lib/systemd/system -DTWINCACHED_PACKAGE=ON -DTWINCACHED_COMMIT="$commit" \
    -DTWINCACHED_TESTS=OFF -DTWINCACHED_BENCHMARKS=OFF > /dev/null
cmake --build "$folder" --parallel "$jobs" --target twincached twinctl manuals

say "Packing"
rm -f "$folder"/*.deb
(cd "$folder" && cpack --config CPackConfig.cmake > cpack.log 2>&1) || { cat "$folder/cpack.log"; fail "cpack"; }
package=$(echo "$folder"/*.deb)
if command -v lintian > /dev/null; then
    lintian --allow-root --fail-on error,warning --info "$package"
fi
echo "$package"
