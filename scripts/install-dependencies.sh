#!/usr/bin/env bash
# Installs what is missing of Debian's packages; asks nothing and leaves no daemon running.
#
#   scripts/install-dependencies.sh build   what it takes to build and run twincached
#   scripts/install-dependencies.sh compile that, and what the tests are compiled with
#   scripts/install-dependencies.sh test    that, and all else that the tests take (default)
#   scripts/install-dependencies.sh package what it takes to build, and to make a package of it
#   scripts/install-dependencies.sh package-tests
#                                           that, and what packages are tried with
#   scripts/install-dependencies.sh image   what the container image is built and run with
#   scripts/install-dependencies.sh clients that, and the clients of test/clients with the languages
#                                           they are written in (hundreds of MB)
#
# Debian 12's default Boost is 1.74; twincached needs 1.81, which Debian has, too, but the two sets
# of headers exclude each other: 1.74's are removed if they are there.
source "$(dirname "$0")/common.sh"

# With make, g++ links what is optimised on every core; without it, on one, with a warning.
for_build=(g++ make cmake ninja-build ccache libboost1.81-dev libboost-program-options1.81-dev
           libspdlog-dev libxxhash-dev libssl-dev libsasl2-dev libnats-dev)
# Git tells which commit is built: were it to come later, the program would be linked anew beside
# tests that run it.
for_compiling_tests=(git catch2 libbenchmark-dev python3)
for_tests=(clang-14 clang-tidy-14 clang-format-14 libclang-rt-14-dev lld-14
           mandoc memcached redis-server yrmcds haproxy keepalived nutcracker nats-server iproute2
           procps systemd faketime openssl libmemcached-tools libsasl2-modules sasl2-bin
           chromium fonts-inter python3-yaml python3-memcache python3-pymemcache)

for_package=(dpkg-dev file)
for_package_tests=(lintian debootstrap systemd-container python3)
for_image=(debootstrap buildah crun python3)
for_clients=(netbase python3-pylibmc python3-binary-memcached php-cli php-memcached php-memcache
             libcache-memcached-perl libcache-memcached-fast-perl ruby ruby-dalli
             golang-go golang-github-bradfitz-gomemcache-dev
             openjdk-17-jdk-headless libspymemcached-java
             collectd-core munin-plugins-extra monitoring-plugins-basic
             monitoring-plugins-contrib prometheus)
# Node.js from elsewhere brings an npm of its own, which Debian's would exclude.
command -v npm > /dev/null || for_clients+=(nodejs npm)

case ${1:-test} in
    build) wanted=("${for_build[@]}") ;;
    compile) wanted=("${for_build[@]}" "${for_compiling_tests[@]}") ;;
    test) wanted=("${for_build[@]}" "${for_compiling_tests[@]}" "${for_tests[@]}") ;;
    package) wanted=("${for_build[@]}" "${for_package[@]}") ;;
    package-tests) wanted=("${for_build[@]}" "${for_package[@]}" "${for_package_tests[@]}") ;;
    image) wanted=("${for_image[@]}") ;;
    clients) wanted=("${for_build[@]}" "${for_compiling_tests[@]}" "${for_tests[@]}" "${for_clients[@]}") ;;
    *) fail "build, compile, test, package, package-tests, image or clients, not $1" ;;
esac

is_installed() { [ "$(dpkg-query -W -f '${db:Status-Status}' "$1" 2> /dev/null)" = installed ]; }

missing=()
for package in "${wanted[@]}"; do
    is_installed "$package" || missing+=("$package")
done
[ ${#missing[@]} -gt 0 ] || exit 0
say "installing ${missing[*]}"
is_installed libboost1.74-dev && echo "the headers of Boost 1.74 make place for those of 1.81"

# A package that starts its service would take the ports that the tests want to use.
policy=/usr/sbin/policy-rc.d
if [ ! -e "$policy" ]; then
    printf '#!/bin/sh\nexit 101\n' | as_root tee "$policy" > /dev/null
    as_root chmod 755 "$policy"
    trap 'as_root rm -f "$policy"' EXIT
fi
# What only tests need is not written to the disk file by file: half of the time was waiting for that.
written=()
[ "${1:-test}" = build ] || written=(-o Dpkg::Options::=--force-unsafe-io)
as_root apt-get update -qq
as_root env DEBIAN_FRONTEND=noninteractive \
    apt-get install -y -qq --no-install-recommends "${written[@]}" "${missing[@]}" > /dev/null
