// What clients of all nodes have done, as an observer sees it who stands outside: of each key the
// newest change that any node has accepted.
#pragma once

#include "storage/version.hpp"

#include <algorithm>
#include <cstdint>
#include <map>
#include <set>
#include <string>

namespace twincached::simulation {

struct ClusterHistory {
    struct Newest {
        storage::Version version = 0;
        bool is_removed = false;
    };
    std::map<std::string, Newest> keys;
    storage::Version flush = 0;
    std::set<std::string> excused;  // a node died with a change of it that nobody had heard of
    std::uint64_t operations = 0;

    void note(const std::string& key, storage::Version version, bool is_removed) {
        ++operations;
        auto& newest = keys[key];
        if (version > newest.version) newest = {version, is_removed};
    }
    void note_flush(storage::Version version) { flush = std::max(flush, version); }
    bool is_gone(const Newest& newest) const {
        return newest.is_removed || newest.version <= flush;
    }
};

}  // namespace twincached::simulation
