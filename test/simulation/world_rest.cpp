// How a world comes to rest, and what must hold when it has.

#include "test/simulation/world.hpp"

#include <algorithm>
#include <cstdlib>

namespace twincached::simulation {

bool World::at_rest() {
    if (link_ != Link::up || !pipes_[0].empty() || !pipes_[1].empty()) return false;
    for (auto& node : nodes_) {
        if (!node->exchange().drained() || node->exchange().wants_to_send()) return false;
    }
    return true;
}

void World::come_to_rest() {
    paused_until_ms_ = {};
    settle();
    if (!history_.violation().empty()) return;
    if (random_.one_in(2)) check_schedules();
    ++totals_.quiescences;
    totals_.hints = history_.hints;
    check_rest();
}

// When the time of a flush has come, and that which one node waits for the other, it has happened.
void World::check_schedules() {
    constexpr std::uint64_t wait_ms = 2000 + 10'000 + 1000;
    world_ms_ += wait_ms;
    for (unsigned node = 0; node < 2; ++node)
        maintain(node);
    settle();
    for (const auto& node : nodes_) {
        const auto schedule = node->store().flush_schedule();
        if (schedule.version > node->store().flush_version())
            history_.fail("nobody has carried out a scheduled flush");
    }
}

void World::settle() {
    constexpr unsigned patience = 200'000;
    for (unsigned i = 0; !at_rest(); ++i) {
        if (i == patience) {
            history_.fail("the pair does not come to rest");
            return;
        }
        world_ms_ += 1;
        link_step();
        for (unsigned node = 0; node < 2; ++node) {
            produce(node);
            deliver(node);
        }
        if (!history_.violation().empty()) return;
    }
}

void World::check_rest() {
    auto& a = nodes_[0]->store();
    auto& b = nodes_[1]->store();
    if (a.flush_version() != b.flush_version()) history_.fail("the flush registers differ");
    for (const auto& key : keys_)
        check_key(key);
    for (const auto& node : nodes_) {
        // An echo would be one more than clients have caused; what the peer asked for has a hint
        // with each record of it, also if it is sent again after a break.
        using enum replication::pair::ExchangeCounter;
        const auto stats = node->exchange().stats();
        if (stats[hints_sent] > node->uses() + stats[records_sent])
            history_.fail("a hint came from no client");
    }
    if (!history_.lossless()) return;
    ++totals_.lossless;
    if (a.flush_version() == 0 && nodes_[0]->digest() != nodes_[1]->digest()) {
        history_.fail("nothing was lost, and the digests differ");
    }
}

void World::check_key(const std::string& key) {
    struct Held {
        storage::Version version = 0;
        std::int64_t left_ms = 0;
        bool expires = false;
    };
    std::array<Held, 2> held;
    for (unsigned node = 0; node < 2; ++node) {
        auto& store = nodes_[node]->store();
        const auto time = now(node);
        (void)store.peek(store.key(key), time, [&](const storage::ItemView& item) {
            held[node].version = item.version;
            held[node].expires = !item.expiry.is_never();
            held[node].left_ms = static_cast<std::int64_t>(item.expiry.raw()) * 1000 -
                                 static_cast<std::int64_t>(time.steady_ms);
            history_.on_value(key, item.version, std::string(item.value.substr(0, 32)));
        });
        auto newest = history_.newest(key);
        newest.deleted = newest.deleted || newest.version <= store.flush_version();
        const auto name = std::string("node ") + (node == 0 ? "a" : "b") + ", key " + key + ": ";
        const auto version = held[node].version;
        if (version != 0 && newest.deleted) history_.fail(name + "a deleted key is alive");
        if (version != 0 && version != newest.version) {
            history_.fail(name + "holds " + std::to_string(version) + ", the newest is " +
                          std::to_string(newest.version));
        }
        if (version != 0 && version <= store.flush_version()) history_.fail(name + "is flushed");
        // A flush between HELLO and LIST may leave an item in doubt: not listed, and not wanted.
        const bool lost =
            version == 0 && newest.version != 0 && !newest.deleted && store.flush_version() == 0;
        if (lost && history_.lossless() && mixture_.expiring == 0 && mixture_.touch == 0) {
            history_.fail(name + "was lost");
        }
    }
    const bool both = held[0].version != 0 && held[0].version == held[1].version;
    if (!both) return;
    const auto difference = held[0].left_ms - held[1].left_ms;
    const auto delay = static_cast<std::int64_t>(std::max(
        {pipes_[0].longest_delay_ms(), pipes_[1].longest_delay_ms(), longest_greeting_ms_}));
    const auto tolerance = 1000 + delay + static_cast<std::int64_t>(world_ms_ / 4000);
    if (held[0].expires != held[1].expires ||
        (held[0].expires && std::abs(difference) > tolerance)) {
        history_.fail("key " + key + ": times to live differ by " + std::to_string(difference));
    }
}

}  // namespace twincached::simulation
