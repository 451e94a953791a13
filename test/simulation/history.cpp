#include "test/simulation/history.hpp"

namespace twincached::simulation {

using storage::Cause;

void History::on_change(unsigned node, const storage::Change& change) {
    if (change.cause == Cause::evicted) ++evictions;
    if (change.cause == Cause::expired) ++expiries;
    if (change.cause == Cause::in_doubt) ++drops_in_doubt;
    const bool is_drop = change.cause == Cause::evicted || change.cause == Cause::expired ||
                         change.cause == Cause::in_doubt || change.cause == Cause::flushed;
    if (is_drop || change.version == 0) return;
    const std::string key(change.key.bytes);
    auto& level = levels_[node][key];
    const bool older = change.after != 0 && change.after < level.version;
    if (older) {
        fail("node " + std::string(node == 0 ? "a" : "b") + ": key " + key + " went back from " +
             std::to_string(level.version) + " to " + std::to_string(change.after));
    }
    if (change.version > level.version) level = {change.version, change.after == 0};
}

void History::on_flush(unsigned node, storage::Version version) {
    for (auto& [key, level] : levels_[node]) {
        if (level.version <= version) level = {version, true};
    }
}

void History::on_value(const std::string& key, storage::Version version, const std::string& value) {
    const auto [at, added] = values_.try_emplace({key, storage::write_of(version)}, value);
    if (!added && at->second != value) {
        fail("key " + key + ": two values of version " + std::to_string(version));
    }
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
