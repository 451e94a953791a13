// What clients of all nodes have done, as an observer sees it who stands outside: of each key the
// newest change that any node has accepted.
#pragma once

#include "storage/version.hpp"

#include <algorithm>
#include <cstdint>
#include <map>
#include <set>
#include <string>
#include <utility>

namespace twincached::simulation {

struct ClusterHistory {
    struct Newest {
        storage::Version version = 0;
        bool is_removed = false;
    };
    std::map<std::string, Newest> keys;
    storage::Version flush = 0;
    std::set<std::string> excused;  // a node died with a change of it that nobody had heard of
    // Of each key the newest that was evicted somewhere, or that a node did not hold when it let go
    // something newer of the same bucket: no other may be lacking (rule C16).
    std::map<std::string, storage::Version> in_doubt;
    std::map<std::pair<unsigned, unsigned>, storage::Version> let_go;  // by node and bucket
    std::uint64_t operations = 0;

    void note(const std::string& key, storage::Version version, bool is_removed) {
        ++operations;
        auto& newest = keys[key];
        if (version > newest.version) newest = {version, is_removed};
    }
    void note_doubt(const std::string& key, storage::Version version) {
        auto& newest = in_doubt[key];
        newest = std::max(newest, version);
    }
    bool may_be_lacking(const std::string& key, const Newest& newest) const {
        const auto found = in_doubt.find(key);
        return found != in_doubt.end() && found->second >= storage::write_of(newest.version);
    }
    void note_let_go(unsigned node, unsigned bucket, storage::Version version) {
        auto& newest = let_go[{node, bucket}];
        newest = std::max(newest, version);
    }
    // A node that cannot know of it has let go something newer.
    bool is_overtaken(unsigned node, unsigned bucket, storage::Version version) const {
        for (const auto& [where, newest] : let_go)
            if (where.first != node && where.second == bucket && newest > version) return true;
        return false;
    }
    void note_flush(storage::Version version) { flush = std::max(flush, version); }
    bool is_gone(const Newest& newest) const {
        return newest.is_removed || newest.version <= flush;
    }
};

}  // namespace twincached::simulation
