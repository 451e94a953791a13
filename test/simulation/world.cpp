#include "test/simulation/world.hpp"

#include "replication/records/data_frames.hpp"

#include <algorithm>
#include <cstdio>

namespace twincached::simulation {

using storage::Expiry;

namespace {

// The chance of one step.
std::uint64_t seed_of(std::uint64_t seed, unsigned step) noexcept {
    return lib::Random(seed ^ (std::uint64_t{step} << 32 | step)).next();
}

}  // namespace

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
    mixture_ = {weight(40, 20),  weight(20, 4),  weight(20, 2), weight(10, 3), weight(10, 2),
                weight(3, 2),    weight(2, 2),   weight(15, 2), weight(60, 4), weight(60, 100),
                weight(60, 100), weight(20, 50), weight(6, 3),  weight(3, 2),  weight(4, 2),
                weight(4, 2),    weight(3, 2),   weight(6, 2),  weight(3, 3)};
    draw_values();
    const bool few = values_ == Values::large;
    const auto buckets = few ? 1 : 1 + random_.below(KeyPool::bucket_count);
    const auto most = random_.one_in(2) ? 4 : KeyPool::keys_per_bucket;
    const auto keys = few ? 1 : 1 + random_.below(most);
    std::vector<storage::BucketNumber> used;
    for (std::size_t b = 0; b < buckets; ++b) {
        used.push_back(pool_.bucket(b));
        for (std::size_t k = 0; k < keys; ++k)
            keys_.push_back(pool_.of_bucket(b)[k]);
    }
    const bool same_shards = random_.one_in(2);
    for (unsigned node = 0; node < 2; ++node) {
        if (!options_.all_buckets) node_options_[node].used_buckets = used;
        draw_node(node, same_shards);
    }
    // What one node can hold and the other cannot. It is wanted at every walk, so that a log which
    // is too small for all that is wanted would never be done with it.
    if (random_.one_in(8)) {
        node_options_[random_.below(2)].item_size_limit_bytes = 1024;
        for (auto& options : node_options_)
            options.log_bytes = options.shards * 48 * std::size_t{10000};
    }
}

// Most worlds have values of a few bytes, which is quick. Some have none but such as a touch does
// not carry along; a few, and these are short, have such as travel in pieces, and are deleted while
// they travel.
void World::draw_values() {
    if (random_.one_in(4)) {
        values_ = Values::kilobytes;
    } else if (random_.one_in(24)) {
        values_ = Values::large;
        options_.steps = std::min(options_.steps, 150U);
        mixture_ = {1, 12, 1, 1, 1, 12, 0, 1, 4, 40, 40, 20, mixture_.cut, 0, 1, 1, 1, 1, 0};
    }
}

void World::draw_node(unsigned node, bool same_shards) {
    const std::array<unsigned, 4> shards{1, 1, 2, 4};
    auto& options = node_options_[node];
    options.number = node;
    options.defect = options_.defect;
    options.shards = shards[random_.below(shards.size())];
    if (node == 1 && same_shards) options.shards = node_options_[0].shards;
    const std::array<std::size_t, 4> log_entries{1, 3, 8, 10000};
    const std::array<std::size_t, 3> digest_runs{0, 1, 64};
    options.digest_run = digest_runs[random_.below(digest_runs.size())];
    const auto entries = log_entries[random_.below(log_entries.size())];
    options.log_bytes = options.shards * 48 * (values_ == Values::large ? 10000 : entries);
    auto& clock = clocks_[node];
    clock.steady_start_ms = 3000 + random_.below(100'000'000);
    clock.version_start_ms = 50'000'000'000 + random_.below(random_.one_in(2) ? 10 : 100'000);
    clock.drift = 1.0 + (static_cast<double>(random_.below(200)) - 100.0) / 1e6;
    SimPipe::Manner manner;
    manner.delay_ms = random_.below(3) * 10;
    manner.jitter_ms = random_.below(20);
    manner.bytes_per_ms = values_ != Values::large && random_.one_in(3) ? 100 : 1U << 20;
    pipes_[node].set_manner(manner);
}

void World::start_node(unsigned number) {
    node_options_[number].epoch = ++next_epoch_;
    has_met_[number] = false;
    followed_[1 - number].clear();
    nodes_[number] = std::make_unique<SimNode>(node_options_[number], pool_.hash(), history_);
    waiting_[number].clear();
}

const std::string& World::any_key() {
    return keys_[random_.below(keys_.size())];
}

void World::trace(const std::string& what) const {
    if (options_.trace)
        std::printf("%8llu %s\n", static_cast<unsigned long long>(world_ms_), what.c_str());
}

bool World::takes(unsigned step) {
    if (!options_.only) return true;
    const auto& only = *options_.only;
    if (next_only_ == only.size() || only[next_only_] != step) return false;
    ++next_only_;
    return true;
}

std::string World::run() {
    for (unsigned round = 0; round < options_.rounds; ++round) {
        for (unsigned i = 0; i < options_.steps; ++i) {
            const auto number = round * options_.steps + i;
            if (!takes(number)) continue;
            steps_taken_.push_back(number);
            random_ = lib::Random(seed_of(options_.seed, number));
            step();
            if (!history_.violation().empty()) return history_.violation();
        }
        random_ = lib::Random(seed_of(options_.seed, first_rest + round));
        come_to_rest();
        if (!history_.violation().empty()) return history_.violation();
    }
    return {};
}

// --- what happens ----------------------------------------------------------------------------

void World::step() {
    world_ms_ += random_.below(8);
    const auto& m = mixture_;
    const unsigned client = m.set + m.remove + m.touch + m.arithmetic + m.expiring + m.large +
                            m.flush + m.evict + m.read;
    const unsigned all = client + m.produce + m.deliver + m.link + m.cut + m.crash + m.clock +
                         m.maintain + m.pause + m.restart + m.roll_back;
    auto draw = static_cast<unsigned>(random_.below(all));
    const auto node = static_cast<unsigned>(random_.below(2));
    const auto is = [&](unsigned weight) {
        if (draw < weight) return true;
        draw -= weight;
        return false;
    };
    // A node that is paused does nothing, whatever is asked of it; death and its clock reach it.
    const bool paused = is_paused(node);
    if (is(m.crash)) {
        if (random_.one_in(10)) crash(node);
        return;
    }
    if (is(m.clock)) return clock_step(node);
    if (is(m.link)) return link_step();
    if (is(m.cut)) {
        if (random_.one_in(5)) cut();
        return;
    }
    if (paused) return;
    if (is(client)) return client_step(node, draw);
    if (is(m.produce)) return produce(node);
    if (is(m.deliver)) return deliver(node);
    if (is(m.pause)) return pause(node);
    if (is(m.restart)) {
        if (random_.one_in(10)) restart(node);
        return;
    }
    if (is(m.roll_back)) {
        if (random_.one_in(10)) roll_back(node);
        return;
    }
    maintain(node);
}

// A scheduled flush is carried out here, but not after another one.
void World::maintain(unsigned node) {
    auto& store = nodes_[node]->store();
    const auto before = store.flush_version();
    const auto schedule = store.flush_schedule();
    (void)store.maintain(now(node));
    if (store.flush_version() == before) return;
    trace(std::string(node == 0 ? "a" : "b") + " carries out a flush, " +
          std::to_string(store.flush_version()));
    if (schedule.version <= before) history_.fail("a scheduled flush was carried out twice");
}

// As by SIGSTOP, or a machine whose host was busy.
void World::pause(unsigned node) {
    if (!random_.one_in(5)) return;
    paused_until_ms_[node] = world_ms_ + random_.below(random_.one_in(2) ? 50 : 1500);
    trace(std::string(node == 0 ? "a" : "b") + " is paused");
}

void World::client_step(unsigned node, unsigned draw) {
    if (!may_serve(node)) return;
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
    if (is(m.set)) return set(node, key, any_size(), Expiry::never());
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
        set(node, key, any_size(), soon);
    } else if (is(m.large)) {
        if (values_ == Values::large || random_.one_in(4))
            set(node, key, large_size(), Expiry::never());
    } else if (is(m.flush)) {
        if (random_.one_in(8)) {
            flush(node);
        } else if (random_.one_in(8)) {
            schedule_flush(node);
        }
    } else if (is(m.read)) {
        (void)store.get(store.key(key), now(node), [](const storage::ItemView&) {});
    } else {
        nodes_[node]->evict(key, now(node));
    }
}

std::size_t World::any_size() {
    return values_ == Values::kilobytes || random_.one_in(4) ? 1500 : 20;
}

// Travels in pieces, two of them or more: what a larger one costs, the kernel gets.
std::size_t World::large_size() {
    const std::size_t pieces = random_.one_in(4) ? 2 : 1;
    return pieces * replication::segment_size + 1 + random_.below(2000);
}

void World::set(unsigned node, const std::string& key, std::size_t size, Expiry expiry) {
    auto value = std::to_string(++next_value_);
    value.resize(std::max(size, value.size()), '.');
    storage::Write request;
    request.expiry = expiry;
    request.client_flags = static_cast<std::uint32_t>(next_value_);
    request.value = value;
    auto& store = nodes_[node]->store();
    const auto generation = nodes_[node]->gate().generation();
    const auto result = store.write(store.key(key), now(node), request);
    if (result.outcome == storage::WriteOutcome::stored && expiry.is_never()) {
        (void)store.peek(store.key(key), now(node), [&](const storage::ItemView& item) {
            waiting_[node].push_back({key, item.version, result.ticket, generation});
        });
    }
    trace("  set of " + std::to_string(value.size()) + " bytes, expiry " +
          std::to_string(expiry.raw()) + " at " + std::to_string(now(node).tick()) + ": outcome " +
          std::to_string(static_cast<int>(result.outcome)));
}

void World::flush(unsigned node) {
    auto& store = nodes_[node]->store();
    (void)store.flush(now(node));
    trace("flush, " + std::to_string(store.flush_version()));
}

void World::schedule_flush(unsigned node) {
    ++totals_.scheduled;
    auto& store = nodes_[node]->store();
    const auto time = now(node);
    store.schedule_flush(time.steady_ms + 1 + random_.below(2000), time);
    trace("a flush to come, " + std::to_string(store.flush_schedule().version));
}

void World::clock_step(unsigned node) {
    const auto size = static_cast<std::int64_t>(random_.below(random_.one_in(4) ? 100'000 : 20));
    // Backwards, a node that has met its peer does not follow: its versions count on from where all
    // of its shards are. One that has not is as one that boots.
    clocks_[node].version_step_ms += random_.one_in(2) ? size : -size;
    if (!has_met_[node]) keep_clock_up(node);
}

// A node that boots with its clock behind all versions may write, before it meets its peer, what is
// older than things that the peer has had and lost: the documented limit.
void World::keep_clock_up(unsigned node) {
    const auto newest = std::max({nodes_[0]->store().version_time(),
                                  nodes_[1]->store().version_time(), newest_of_the_dead_});
    const auto reached_ms = now(node).version_ms;
    if (reached_ms > newest >> 10) return;
    clocks_[node].version_step_ms += static_cast<std::int64_t>((newest >> 10) + 1 - reached_ms);
}

void World::crash(unsigned node) {
    ++totals_.crashes;
    trace(std::string(node == 0 ? "a" : "b") + " crashes");
    lose_node(node);
    nodes_[node].reset();
    history_.on_crash(node);
    snapshots_[1 - node].reset();
    start_node(node);
}

void World::lose_node(unsigned node) {
    cut();
    if (nodes_[1 - node]->exchange().in_session()) {
        nodes_[1 - node]->exchange().end();
    }
    const auto newest =
        std::max(nodes_[0]->store().version_time(), nodes_[1]->store().version_time());
    newest_of_the_dead_ = std::max(newest_of_the_dead_, newest);
    keep_clock_up(node);
    begun_ = {};
    link_ = Link::down;
    paused_until_ms_[node] = 0;
}

// An orderly stop and a start, with its memory, or with an older copy of it.
void World::restart(unsigned node) {
    ++totals_.restarts;
    trace(std::string(node == 0 ? "a" : "b") + " restarts with its memory");
    const bool alone = !nodes_[node]->exchange().in_session();
    lose_node(node);
    const auto epoch = nodes_[node]->exchange().acquaintance().epoch();
    const auto memory = nodes_[node]->remember(alone);
    const bool is_old = copies_[node] && random_.one_in(3);
    if (is_old) {
        trace("  with an old one");
        snapshots_[1 - node].reset();
        history_.on_crash(node);
        recall(node, *copies_[node]);
    } else {
        recall(node, memory);
    }
    if (random_.one_in(4)) copies_[node] = memory;
    if (random_.one_in(2)) snapshots_[node] = {epoch, memory};
}

// A machine is set back to a snapshot, and the node does not know it. Its clock goes on.
void World::roll_back(unsigned node) {
    if (!snapshots_[node] || !followed_[node].contains(snapshots_[node]->epoch)) return;
    ++totals_.rollbacks;
    trace(std::string(node == 0 ? "a" : "b") + " is set back");
    lose_node(node);
    history_.on_crash(node);
    recall(node, snapshots_[node]->memory);
    nodes_[node]->exchange().acquaintance().believe_memory();
    snapshots_[1 - node].reset();
}

void World::recall(unsigned node, const SimMemory& memory) {
    start_node(node);
    nodes_[node]->recall(memory, now(node));
}

// A node that left a peer behind keeps its port closed until that one has spoken, or it has given
// up waiting and has forgotten what it held.
bool World::may_serve(unsigned node) {
    if (!nodes_[node]->exchange().acquaintance().needs_peers_word()) return true;
    if (link_ == Link::down && random_.one_in(20)) forget_memory(node);
    return false;
}

void World::forget_memory(unsigned node) {
    trace(std::string(node == 0 ? "a" : "b") + " forgets");
    ++totals_.forgotten;
    nodes_[node]->exchange().forget(++next_epoch_, now(node));
    followed_[1 - node].clear();
    history_.on_crash(node);
    snapshots_[1 - node].reset();
}

}  // namespace twincached::simulation
