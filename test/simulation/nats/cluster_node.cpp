#include "test/simulation/nats/cluster_node.hpp"

#include "test/simulation/nats/sim_broker.hpp"

#include <cstdio>
#include <cstdlib>
#include <utility>
#include <vector>

namespace twincached::simulation {

using namespace replication;

namespace {

constexpr std::int64_t start_of_2025_ms = 1'735'689'600'000;
constexpr unsigned shards = 2;

}  // namespace

// Tells the history what clients do.
class ClusterNode::Observer final : public storage::MutationSink {
  public:
    Observer(nats::ClusterSink& sink, ClusterHistory& history, const std::uint64_t& world_ms,
             unsigned node)
        : sink_(sink), history_(history), world_ms_(world_ms), node_(node) {}

    storage::Ticket on_change(unsigned shard, const storage::Change& change) noexcept override {
        const bool is_clients = change.cause == storage::Cause::local_write ||
                                change.cause == storage::Cause::local_delete;
        if (is_clients && change.version != 0)
            history_.note(std::string(change.key.bytes), change.version, change.after == 0);
        if (trace != nullptr && change.key.bytes == trace) {
            std::printf("%8llu node %u: %s %s %llx -> %llx (%llx)\n",
                        static_cast<unsigned long long>(world_ms_), node_, trace,
                        name_of(change.cause), static_cast<unsigned long long>(change.before),
                        static_cast<unsigned long long>(change.after),
                        static_cast<unsigned long long>(change.version));
        }
        auto seen = change;
        if (is_evicting) seen.cause = storage::Cause::evicted;
        note_what_leaves(seen);
        return sink_.on_change(shard, seen);
    }
    storage::Version known_version(unsigned shard, const storage::Key& key,
                                   bool present) noexcept override {
        const auto known = sink_.known_version(shard, key, present);
        if (trace != nullptr && key.bytes == trace && known != 0)
            std::printf("%8llu node %u: %s is known up to %llx\n",
                        static_cast<unsigned long long>(world_ms_), node_, trace,
                        static_cast<unsigned long long>(known));
        return known;
    }
    void on_hint(unsigned shard, std::uint64_t hash) noexcept override {
        sink_.on_hint(shard, hash);
    }
    storage::Ticket on_flush(storage::Version version) noexcept override {
        history_.note_flush(version);
        ++flushes;
        return sink_.on_flush(version);
    }
    void on_flush_scheduled(std::uint64_t at_ms, storage::Version version) noexcept override {
        sink_.on_flush_scheduled(at_ms, version);
    }
    bool fires_foreign_schedule() noexcept override { return sink_.fires_foreign_schedule(); }
    bool fires_own_schedule(std::uint64_t now_ms) noexcept override {
        return sink_.fires_own_schedule(now_ms);
    }

    bool is_evicting = false;
    // What a client removed, what was evicted, and what others told of took away.
    std::vector<std::pair<std::string, storage::Version>> let_go;
    unsigned flushes = 0;

  private:
    void note_what_leaves(const storage::Change& change) {
        using storage::Cause;
        const bool is_counted = change.cause != Cause::flushed && change.cause != Cause::disowned;
        if (change.after != 0 || !is_counted) return;
        const auto version = change.cause == Cause::local_delete ? change.version : change.before;
        if (version != 0) let_go.emplace_back(change.key.bytes, version);
    }
    static const char* name_of(storage::Cause cause) {
        constexpr const char* names[] = {"set",     "deleted", "remote",   "restored", "evicted",
                                         "expired", "flushed", "in doubt", "disowned", "corrected"};
        return names[static_cast<std::size_t>(cause)];
    }

    nats::ClusterSink& sink_;
    ClusterHistory& history_;
    const std::uint64_t& world_ms_;
    const unsigned node_;
    const char* const trace = std::getenv("CLUSTER_KEY");
};

ClusterNode::ClusterNode(const ClusterNodeOptions& options, const lib::KeyedHash& hash,
                         nats::Broker& broker, ClusterHistory& history,
                         const std::uint64_t& world_ms, const SimMemory* memory)
    : options_(options),
      world_ms_(world_ms),
      history_(history),
      gate_(shards, {}),
      sink_(shards, options.log_bytes, &gate_, options.removals_bytes),
      observer_(std::make_shared<Observer>(sink_, history, world_ms, options.cluster.node)) {
    sink_.changes().set_wake([this] { is_woken_ = true; });
    auto store = storage::default_store_options();
    store.memory_limit_bytes = options.memory_bytes;
    store.shards = shards;
    store.threads = 1;
    store.node = options.cluster.node;
    store_ = std::make_unique<storage::Store>(store, hash, *observer_);
    nats::ClusterOwner& owner = *this;
    engine_ = std::make_unique<nats::ClusterEngine>(options_.cluster, sink_, broker, owner);
    engine_->attach(*store_);
    engine_->at(now());
    if (memory != nullptr) {
        store_->restore(memory->registers);
        if (!engine_->recall({memory->remembered, options.cluster.node})) std::abort();
        restore_items(*store_, *memory, now(), [](const std::string&) {});
    }
    engine_->start();
}

SimMemory ClusterNode::remember() {
    engine_->at(now());
    auto remembered = engine_->remember();
    return memory_of(*store_, std::move(remembered));
}

storage::Now ClusterNode::now() const {
    storage::Now now;
    now.steady_ms = 5000 + world_ms_;
    const auto wall_ms =
        SimBroker::epoch_ms + static_cast<std::int64_t>(world_ms_) + options_.clock_ahead_ms;
    now.unix_seconds = wall_ms / 1000;
    now.version_ms = static_cast<std::uint64_t>(wall_ms - start_of_2025_ms);
    now.version_ms += led_ms_;
    return now;
}

void ClusterNode::call(const Event& event) {
    if (is_still_) {
        waiting_.push_back(event);
        return;
    }
    engine_->at(now());
    event(*engine_);
    note_doubts();
}

void ClusterNode::tick() {
    if (is_still_) return;
    note_doubts();
    if (store_->version_time() >> 10 <= now().version_ms - led_ms_) led_ms_ = 0;
    engine_->at(now());
    if (std::exchange(is_woken_, false)) engine_->on_wake();
    if (static_cast<std::uint64_t>(engine_->deadline().count()) <= now().steady_ms)
        engine_->on_timer();
}

void ClusterNode::maintain() {
    (void)store_->maintain(now());
}

unsigned ClusterNode::flushes() const {
    return observer_->flushes;
}

void ClusterNode::go_on() {
    is_still_ = false;
    for (const auto& event : std::exchange(waiting_, {}))
        call(event);
}

bool ClusterNode::is_in_step() const {
    return engine_->report().state == nats::ClusterState::in_step;
}

bool ClusterNode::has_dropped_what_it_kept() const {
    return log_.find("the items of before the restart are dropped") != std::string::npos;
}

nats::Era ClusterNode::era() const {
    return engine_->report().era;
}

bool ClusterNode::is_at_rest() const {
    const auto report = engine_->report();
    return report.state == nats::ClusterState::in_step && report.unacked == 0 &&
           report.dirty_buckets == 0 && report.consumed == report.last;
}

void ClusterNode::log(LogLevel level, std::string_view line) {
    if (level == LogLevel::warning) warnings_.append(line).append("\n");
    log_.append(line).append("\n");
    if (options_.trace) {
        std::printf("%8llu node %u: %.*s\n", static_cast<unsigned long long>(world_ms_),
                    options_.cluster.node, static_cast<int>(line.size()), line.data());
    }
}

// --- clients -----------------------------------------------------------------------------------

storage::Version ClusterNode::set(std::string_view key, std::string_view value,
                                  storage::Expiry expiry) {
    storage::Write write;
    write.value = value;
    write.expiry = expiry;
    (void)store_->write(store_->key(key), now(), write);
    const auto version = version_of(key);
    const auto bucket = storage::bucket_of(store_->key(key).hash);
    if (history_.is_overtaken(options_.cluster.node, bucket, version))
        history_.note_doubt(std::string(key), version);
    return version;
}

void ClusterNode::remove(std::string_view key) {
    (void)store_->remove(store_->key(key), now(), {});
    note_doubts();
}

// Of what this node does not hold itself it may cost the others what is older.
void ClusterNode::note_doubts() {
    for (const auto& [left, version] : std::exchange(observer_->let_go, {})) {
        const auto bucket = storage::bucket_of(store_->key(left).hash);
        history_.note_let_go(options_.cluster.node, bucket, version);
        for (const auto& [key, newest] : history_.keys) {
            if (newest.version >= version || key == left) continue;
            if (storage::bucket_of(store_->key(key).hash) != bucket) continue;
            if (version_of(key) < newest.version) history_.note_doubt(key, newest.version);
        }
    }
}

storage::Version ClusterNode::version_of(std::string_view key) {
    storage::Version version = 0;
    store_->peek(store_->key(key), now(),
                 [&](const storage::ItemView& item) { version = item.version; });
    return version;
}

void ClusterNode::touch(std::string_view key, storage::Expiry expiry) {
    storage::Read read;
    read.touch = expiry;
    (void)store_->read(store_->key(key), now(), read,
                       [](const storage::ItemView&, const storage::ReadMarks&) {});
}

void ClusterNode::flush(std::uint64_t in_ms) {
    if (in_ms == 0) return (void)store_->flush(now());
    store_->schedule_flush(now().steady_ms + in_ms, now());
}

std::string ClusterNode::get(std::string_view key) {
    std::string value = "(miss)";
    store_->peek(store_->key(key), now(),
                 [&](const storage::ItemView& item) { value = item.value; });
    return value;
}

void ClusterNode::evict(std::string_view key) {
    const auto hashed = store_->key(key);
    observer_->is_evicting = true;
    store_->with_shard(store_->shard_of(hashed.hash),
                       [&](storage::Shard& shard) { shard.drop_in_doubt(hashed, now()); });
    observer_->is_evicting = false;
    if (!observer_->let_go.empty())
        history_.note_doubt(std::string(key), observer_->let_go.back().second);
    note_doubts();
}

std::map<std::string, ClusterNode::Held> ClusterNode::contents() {
    std::map<std::string, Held> contents;
    std::optional<storage::Store::Cursor> cursor = storage::Store::Cursor{};
    while (cursor) {
        cursor = store_->walk(*cursor, 1000, now(), [&](const storage::ItemView& item) {
            contents[std::string(item.key)] = {item.version, std::string(item.value)};
        });
    }
    return contents;
}

bool ClusterNode::has_untold(std::string_view key) {
    const auto hashed = store_->key(key);
    const auto number = store_->shard_of(hashed.hash);
    bool has = false;
    store_->with_shard(number, [&](storage::Shard&) {
        auto& tracking = sink_.changes().shard(number);
        const auto bucket = storage::bucket_of(hashed.hash);
        has = bool(tracking.log.find(hashed)) || tracking.buckets.is_dirty(bucket) ||
              tracking.buckets.is_walking(bucket);
        sink_.removals(number).visit([&](std::uint64_t hash, auto, const nats::LogPlace& place) {
            has |= hash == hashed.hash && place == nats::nowhere_yet;
        });
    });
    return has;
}

}  // namespace twincached::simulation
