#include "test/simulation/history.hpp"

#include <algorithm>
#include <array>
#include <cstdio>

namespace twincached::simulation {

using storage::Cause;

namespace {

void print(unsigned node, const storage::Change& change) {
    constexpr std::array<const char*, 8> causes{"write",   "delete",  "remote",  "restored",
                                                "evicted", "expired", "flushed", "in doubt"};
    std::printf("         %c %s %.*s: %llu -> %llu (%llu)\n", node == 0 ? 'a' : 'b',
                causes[static_cast<std::size_t>(change.cause)],
                static_cast<int>(change.key.bytes.size()), change.key.bytes.data(),
                static_cast<unsigned long long>(change.before),
                static_cast<unsigned long long>(change.after),
                static_cast<unsigned long long>(change.version));
}

}  // namespace

void History::on_change(unsigned node, const storage::Change& change) {
    if (trace) print(node, change);
    if (change.cause == Cause::evicted) ++evictions;
    if (change.cause == Cause::expired) ++expiries;
    if (change.cause == Cause::in_doubt) ++drops_in_doubt;
    const bool is_drop = change.cause == Cause::evicted || change.cause == Cause::expired ||
                         change.cause == Cause::in_doubt || change.cause == Cause::flushed;
    if (is_drop || change.version == 0 || is_nobodys(change.version)) return;
    const std::string key(change.key.bytes);
    auto& level = levels_[node][key];
    // One that comes back and cannot stay is told as one that was here and has left: nobody has
    // read it in between. on_restored() judges those that stay.
    const auto held = change.cause == Cause::restored ? 0 : change.after;
    fail_if_older(node, key, held, std::max(level.version, heard_[node][key]));
    if (change.version > level.version) level = {change.version, change.after == 0};
    // An item that arrives when its time is over is not stored, but what is older goes.
    const auto& other = levels_[1 - node][key];
    if (level.deleted && other.version == level.version && !other.deleted) {
        level.deleted = false;
        ++expiries;
    }
}

void History::on_heard(unsigned node, const std::string& key, storage::Version version,
                       storage::Version held) {
    auto& heard = heard_[node][key];
    heard = std::max(heard, version);
    fail_if_older(node, key, held, heard);
}

void History::on_restored(unsigned node, const std::string& key, storage::Version held) {
    fail_if_older(node, key, held, std::max(reached(node, key), heard_[node][key]));
}

void History::fail_if_older(unsigned node, const std::string& key, storage::Version held,
                            storage::Version known) {
    if (held == 0 || held >= known || is_nobodys(held)) return;
    fail("node " + std::string(node == 0 ? "a" : "b") + ": key " + key + " went back from " +
         std::to_string(known) + " to " + std::to_string(held));
}

void History::on_value(const std::string& key, storage::Version version, const std::string& value) {
    const auto [at, added] = values_.try_emplace({key, storage::write_of(version)}, value);
    if (!added && at->second != value) {
        fail("key " + key + ": two values of version " + std::to_string(version));
    }
}

storage::Version History::reached(unsigned node, const std::string& key) const {
    const auto at = levels_[node].find(key);
    return at == levels_[node].end() ? 0 : at->second.version;
}

Level History::newest(const std::string& key) const {
    Level newest;
    for (const auto& levels : levels_) {
        const auto at = levels.find(key);
        if (at != levels.end() && at->second.version > newest.version) newest = at->second;
    }
    return newest;
}

}  // namespace twincached::simulation
