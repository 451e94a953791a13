#!/usr/bin/env bash
# Builds what the client tests cannot interpret (Go, Java) and fetches npm's packages, into the
# folder named, build/clients if none is. What is newer than its source is left as it is.
source "$(dirname "$0")/common.sh"

programs=test/clients/programs
into=${1:-build/clients}
mkdir -p "$into"
into=$(cd "$into" && pwd)

if [ "$programs/gomemcache.go" -nt "$into/gomemcache" ]; then
    GO111MODULE=off GOPATH=/usr/share/gocode GOCACHE="$into/gocache" GOFLAGS='' \
        go build -o "$into/gomemcache" "$programs/gomemcache.go"
fi
if [ "$programs/Spymemcached.java" -nt "$into/Spymemcached.class" ]; then
    javac -cp /usr/share/java/spymemcached.jar -d "$into" "$programs/Spymemcached.java"
fi
if [ "$programs/node/package-lock.json" -nt "$into/node_modules/.package-lock.json" ]; then
    cp "$programs/node/package.json" "$programs/node/package-lock.json" "$into"
    (cd "$into" && npm ci --loglevel=error --no-audit --no-fund --ignore-scripts)
    touch "$into/node_modules/.package-lock.json"
fi
