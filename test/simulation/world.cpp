#include "test/simulation/world.hpp"

#include <algorithm>
#include <cstdio>
#include <map>

namespace twincached::simulation {

using storage::Expiry;

KeyPool::KeyPool() : hash_("simulation") {
    const std::array<storage::BucketNumber, bucket_count> buckets{0x0000, 0x3FFF, 0x4000, 0xFFFF};
    buckets_ = buckets;
    std::size_t full = 0;
    for (std::uint64_t i = 0; full < bucket_count; ++i) {
        auto key = "k" + std::to_string(i);
        const auto bucket = storage::bucket_of(hash_(key));
        const auto at = std::find(buckets_.begin(), buckets_.end(), bucket);
        if (at == buckets_.end()) continue;
        auto& keys = keys_[static_cast<std::size_t>(at - buckets_.begin())];
        if (keys.size() == keys_per_bucket) continue;
        keys.push_back(std::move(key));
        if (keys.size() == keys_per_bucket) ++full;
    }
}

World::World(const KeyPool& pool, const WorldOptions& options)
    : pool_(pool), options_(options), random_(options.seed) {
    history_.trace = options.trace;
    draw_world();
    for (unsigned node = 0; node < 2; ++node)
        start_node(node);
}

void World::draw_world() {
    const auto weight = [&](unsigned most, unsigned absent_one_in) {
        return random_.one_in(absent_one_in) ? 0U : 1U + static_cast<unsigned>(random_.below(most));
    };
    mixture_ = {weight(40, 20), weight(20, 4), weight(20, 2), weight(10, 3),   weight(10, 2),
                weight(3, 2),   weight(2, 2),  weight(15, 2), weight(60, 100), weight(60, 100),
                weight(20, 50), weight(6, 3),  weight(3, 2),  weight(4, 2),    weight(4, 2)};
    const auto buckets = 1 + random_.below(KeyPool::bucket_count);
    const auto keys = 1 + random_.below(random_.one_in(2) ? 4 : KeyPool::keys_per_bucket);
    std::vector<storage::BucketNumber> used;
    for (std::size_t b = 0; b < buckets; ++b) {
        used.push_back(pool_.bucket(b));
        for (std::size_t k = 0; k < keys; ++k)
            keys_.push_back(pool_.of_bucket(b)[k]);
    }
    const std::array<unsigned, 4> shards{1, 1, 2, 4};
    const bool same = random_.one_in(2);
    for (unsigned node = 0; node < 2; ++node) {
        auto& options = node_options_[node];
        options.number = node;
        options.shards = shards[random_.below(shards.size())];
        if (node == 1 && same) options.shards = node_options_[0].shards;
        const std::array<std::size_t, 4> log_entries{1, 3, 8, 10000};
        options.log_bytes = options.shards * 48 * log_entries[random_.below(log_entries.size())];
        if (!options_.all_buckets) options.used_buckets = used;
        auto& clock = clocks_[node];
        clock.steady_start_ms = 3000 + random_.below(100'000'000);
        clock.version_start_ms = 50'000'000'000 + random_.below(random_.one_in(2) ? 10 : 100'000);
        clock.drift = 1.0 + (static_cast<double>(random_.below(200)) - 100.0) / 1e6;
        SimPipe::Manner manner;
        manner.delay_ms = random_.below(3) * 10;
        manner.jitter_ms = random_.below(20);
        manner.bytes_per_ms = random_.one_in(3) ? 100 : 1U << 20;
        pipes_[node].set_manner(manner);
    }
}

void World::start_node(unsigned number) {
    node_options_[number].epoch = ++next_epoch_;
    nodes_[number] = std::make_unique<SimNode>(node_options_[number], pool_.hash(), history_);
}

const std::string& World::any_key() {
    return keys_[random_.below(keys_.size())];
}

void World::trace(const std::string& what) const {
    if (options_.trace)
        std::printf("%8llu %s\n", static_cast<unsigned long long>(world_ms_), what.c_str());
}

std::string World::run() {
    for (unsigned round = 0; round < options_.rounds; ++round) {
        for (unsigned i = 0; i < options_.steps; ++i) {
            step();
            if (!history_.violation().empty()) return history_.violation();
        }
        come_to_rest();
        if (!history_.violation().empty()) return history_.violation();
    }
    return {};
}

// --- what happens ----------------------------------------------------------------------------

void World::step() {
    world_ms_ += random_.below(8);
    const auto& m = mixture_;
    const unsigned client =
        m.set + m.remove + m.touch + m.arithmetic + m.expiring + m.large + m.flush + m.evict;
    const unsigned all =
        client + m.produce + m.deliver + m.link + m.cut + m.crash + m.clock + m.maintain;
    auto draw = static_cast<unsigned>(random_.below(all));
    const auto node = static_cast<unsigned>(random_.below(2));
    const auto is = [&](unsigned weight) {
        if (draw < weight) return true;
        draw -= weight;
        return false;
    };
    if (is(client)) return client_step(node, draw);
    if (is(m.produce)) return produce(node);
    if (is(m.deliver)) return deliver(node);
    if (is(m.link)) return link_step();
    if (is(m.cut)) {
        if (random_.one_in(5)) cut();
        return;
    }
    if (is(m.crash)) {
        if (random_.one_in(10)) crash(node);
        return;
    }
    if (is(m.clock)) return clock_step(node);
    (void)nodes_[node]->store().maintain(now(node));
}

void World::client_step(unsigned node, unsigned draw) {
    ++totals_.operations;
    const auto& m = mixture_;
    const auto& key = any_key();
    auto& store = nodes_[node]->store();
    const auto is = [&](unsigned weight) {
        if (draw < weight) return true;
        draw -= weight;
        return false;
    };
    const auto soon =
        Expiry::at(now(node).tick() + 1 + static_cast<storage::Tick>(random_.below(40)));
    trace(std::string(node == 0 ? "a" : "b") + " client " + key + " draw " + std::to_string(draw));
    if (is(m.set)) return set(node, key, random_.one_in(4) ? 1500 : 20, Expiry::never());
    if (is(m.remove)) {
        (void)store.remove(store.key(key), now(node), {});
    } else if (is(m.touch)) {
        (void)store.touch(store.key(key), now(node), random_.one_in(2) ? Expiry::never() : soon);
    } else if (is(m.arithmetic)) {
        storage::Arithmetic request;
        request.vivify = Expiry::never();
        request.initial = 1;
        (void)store.add(store.key(key), now(node), request);
    } else if (is(m.expiring)) {
        set(node, key, 30, soon);
    } else if (is(m.large)) {
        if (random_.one_in(4))
            set(node, key, (300U << 10) + random_.below(300'000), Expiry::never());
    } else if (is(m.flush)) {
        if (random_.one_in(8)) flush(node);
    } else {
        nodes_[node]->evict(key, now(node));
    }
}

void World::set(unsigned node, const std::string& key, std::size_t size, Expiry expiry) {
    auto value = std::to_string(++next_value_);
    value.resize(std::max(size, value.size()), '.');
    storage::Write request;
    request.expiry = expiry;
    request.client_flags = static_cast<std::uint32_t>(next_value_);
    request.value = value;
    auto& store = nodes_[node]->store();
    const auto result = store.write(store.key(key), now(node), request);
    trace("  set of " + std::to_string(value.size()) + " bytes, expiry " +
          std::to_string(expiry.raw()) + " at " + std::to_string(now(node).tick()) + ": outcome " +
          std::to_string(static_cast<int>(result.outcome)));
}

void World::flush(unsigned node) {
    auto& store = nodes_[node]->store();
    (void)store.flush(now(node));
    trace("flush, " + std::to_string(store.flush_version()));
}

void World::clock_step(unsigned node) {
    const auto size = static_cast<std::int64_t>(random_.below(random_.one_in(4) ? 100'000 : 20));
    // Backwards, a running node does not follow: its versions count on from where they are.
    clocks_[node].version_step_ms += random_.one_in(2) ? size : -size;
}

void World::crash(unsigned node) {
    ++totals_.crashes;
    trace(std::string(node == 0 ? "a" : "b") + " crashes");
    cut();
    if (nodes_[1 - node]->exchange().in_session()) {
        nodes_[1 - node]->exchange().end(now(1 - node));
    }
    // A node that boots with its clock behind all versions may write, before it meets its peer,
    // what is older than things that the peer has had and evicted: the documented limit.
    const auto newest =
        std::max(nodes_[0]->store().version_time(), nodes_[1]->store().version_time());
    const auto reached_ms = now(node).version_ms;
    if (reached_ms <= newest >> 10) {
        clocks_[node].version_step_ms += static_cast<std::int64_t>((newest >> 10) + 1 - reached_ms);
    }
    nodes_[node].reset();
    history_.on_crash(node);
    start_node(node);
    begun_ = {};
    link_ = Link::down;
}

// --- the link --------------------------------------------------------------------------------

void World::produce(unsigned node) {
    if (link_ != Link::up && link_ != Link::broken) return;
    if (!begun_[node]) return;
    auto& exchange = nodes_[node]->exchange();
    const std::size_t budget = random_.one_in(3) ? 1 + random_.below(300) : 1U << 16;
    lib::ByteBuffer out;
    const auto count = exchange.produce(out, budget, now(node));
    if (count != out.size()) history_.fail("produce() did not say what it did");
    if (count == 0 || link_ == Link::broken) return;
    trace(std::string(node == 0 ? "a" : "b") + " sends " + std::to_string(count));
    pipes_[node].send(out.readable(), world_ms_, random_);
}

void World::deliver(unsigned node) {
    if (link_ != Link::up) return;
    const auto bytes = pipes_[1 - node].receive(world_ms_, random_);
    if (bytes.empty()) return;
    trace(std::string(node == 0 ? "a" : "b") + " receives " + std::to_string(bytes.size()));
    if (!nodes_[node]->receive(bytes, now(node))) history_.fail("a frame was refused");
}

// Everything under way is lost, from now on both talk into the void, and find out by themselves.
void World::cut() {
    if (link_ == Link::down || link_ == Link::broken) return;
    trace("cut");
    if (link_ == Link::up && random_.one_in(2)) {
        for (unsigned node = 0; node < 2; ++node)
            deliver(node);
    }
    for (auto& pipe : pipes_)
        pipe.lose_everything();
    link_ = Link::broken;
}

void World::link_step() {
    const auto node = static_cast<unsigned>(random_.below(2));
    switch (link_) {
        case Link::up:
            return;
        case Link::broken:
            if (begun_[node]) nodes_[node]->exchange().end(now(node));
            begun_[node] = false;
            if (!begun_[1 - node]) link_ = Link::down;
            return;
        case Link::down:
            trace("greeting");
            hellos_ = {};
            for (auto& each : nodes_)
                each->forget_bytes();
            link_ = Link::greeting;
            greeting_since_ms_ = world_ms_;
            return;
        case Link::greeting:
            if (!hellos_[node]) {
                hellos_[node] = nodes_[node]->exchange().hello(now(node));
            } else if (hellos_[1 - node] && !begun_[node]) {
                nodes_[node]->begin(*hellos_[1 - node], now(node));
                begun_[node] = true;
            }
            if (begun_[0] && begun_[1]) {
                ++totals_.sessions;
                longest_greeting_ms_ =
                    std::max(longest_greeting_ms_, world_ms_ - greeting_since_ms_);
                trace("up");
                link_ = Link::up;
            }
            return;
    }
}

// --- rest ------------------------------------------------------------------------------------

bool World::at_rest() {
    if (link_ != Link::up || !pipes_[0].empty() || !pipes_[1].empty()) return false;
    for (auto& node : nodes_) {
        if (!node->exchange().drained() || node->exchange().wants_to_send()) return false;
    }
    return true;
}

void World::come_to_rest() {
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
    ++totals_.quiescences;
    check_rest();
}

void World::check_rest() {
    auto& a = nodes_[0]->store();
    auto& b = nodes_[1]->store();
    if (a.flush_version() != b.flush_version()) history_.fail("the flush registers differ");
    for (const auto& key : keys_)
        check_key(key);
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
        const bool lost = version == 0 && newest.version != 0 && !newest.deleted;
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
