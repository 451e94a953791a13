// What really happened, as an observer sees it who stands outside of both nodes: per node and key
// the newest version that the node has held or deleted in its present life. It is told of every
// change by the store itself, and checks as it goes that no key ever becomes older.
#pragma once

#include "storage/mutation.hpp"
#include "storage/version.hpp"

#include <array>
#include <cstdint>
#include <map>
#include <string>
#include <utility>

namespace twincached::simulation {

struct Level {
    storage::Version version = 0;
    bool deleted = false;
};

class History {
  public:
    void on_change(unsigned node, const storage::Change& change);
    // The peer has told the node of this version; the node then held `held`, or nothing.
    void on_heard(unsigned node, const std::string& key, storage::Version version,
                  storage::Version held);
    // An item came back from a restart; the node then holds `held` of its key, or nothing.
    void on_restored(unsigned node, const std::string& key, storage::Version held);
    void on_crash(unsigned node) {
        levels_[node].clear();
        heard_[node].clear();
    }
    // Somebody who may has told the node that the key is gone.
    void forget(unsigned node, const std::string& key) {
        levels_[node].erase(key);
        heard_[node].erase(key);
    }
    void on_value(const std::string& key, storage::Version version, const std::string& value);

    // The newest version that this node has held or deleted in its present life.
    storage::Version reached(unsigned node, const std::string& key) const;
    // The newest that any living node knows of the key.
    Level newest(const std::string& key) const;

    // Made up by an impostor, who counts as a third node. Nobody remembers what it stood for once
    // he has gone: no rule says what may follow it.
    static bool is_nobodys(storage::Version version) noexcept {
        return storage::node_of(version) > 1;
    }

    // A sentence about the first rule broken, or nothing.
    const std::string& violation() const noexcept { return violation_; }
    void fail(std::string what) {
        if (violation_.empty()) violation_ = std::move(what);
    }

    bool trace = false;  // print every change
    std::uint64_t evictions = 0;
    std::uint64_t expiries = 0;
    std::uint64_t drops_in_doubt = 0;
    std::uint64_t hints = 0;  // of what is in use, that arrived
    bool lossless() const noexcept { return evictions + expiries + drops_in_doubt == 0; }

  private:
    std::array<std::map<std::string, Level>, 2> levels_;
    std::array<std::map<std::string, storage::Version>, 2> heard_;
    std::map<std::pair<std::string, storage::Version>, std::string> values_;
    void fail_if_older(unsigned node, const std::string& key, storage::Version held,
                       storage::Version known);

    std::string violation_;
};

}  // namespace twincached::simulation
