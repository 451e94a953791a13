#include "test/drivers/node.hpp"

#include "test/drivers/subjects.hpp"

#include <catch2/catch.hpp>

#include <array>

namespace twincached::test {

storage::Now now() {
    using namespace std::chrono;
    constexpr std::int64_t start_of_2025_ms = 1'735'689'600'000;
    storage::Now now;
    now.steady_ms = static_cast<std::uint64_t>(
        duration_cast<milliseconds>(steady_clock::now().time_since_epoch()).count() + 2000);
    const auto unix_ms =
        duration_cast<milliseconds>(system_clock::now().time_since_epoch()).count();
    now.unix_seconds = unix_ms / 1000;
    now.version_ms = static_cast<std::uint64_t>(unix_ms - start_of_2025_ms);
    return now;
}

void Happenings::happen() {
    const std::lock_guard lock(mutex_);
    ++count_;
    changed_.notify_all();
}

std::uint64_t Happenings::count() {
    const std::lock_guard lock(mutex_);
    return count_;
}

void Happenings::wait_for_more_than(std::uint64_t seen) {
    std::unique_lock lock(mutex_);
    changed_.wait_for(lock, between_looks, [&] { return count_ > seen; });
}

// The driver's sink, and word of every change.
class Node::Sink final : public storage::MutationSink {
  public:
    Sink(storage::MutationSink& sink, Happenings& happenings)
        : sink_(sink), happenings_(happenings) {}

    void prefetch(unsigned shard, std::uint64_t hash) const noexcept override {
        sink_.prefetch(shard, hash);
    }
    storage::Ticket on_change(unsigned shard, const storage::Change& change) noexcept override {
        const auto ticket = sink_.on_change(shard, change);
        happenings_.happen();
        return ticket;
    }
    storage::Version known_version(unsigned shard, const storage::Key& key,
                                   bool present) noexcept override {
        return sink_.known_version(shard, key, present);
    }
    void on_hint(unsigned shard, std::uint64_t hash) noexcept override {
        sink_.on_hint(shard, hash);
    }
    storage::Ticket on_flush(storage::Version version) noexcept override {
        return sink_.on_flush(version);
    }
    void on_flush_scheduled(std::uint64_t at_ms, storage::Version version) noexcept override {
        sink_.on_flush_scheduled(at_ms, version);
    }
    bool fires_foreign_schedule() noexcept override { return sink_.fires_foreign_schedule(); }
    bool fires_own_schedule(std::uint64_t now_ms) noexcept override {
        return sink_.fires_own_schedule(now_ms);
    }

  private:
    storage::MutationSink& sink_;
    Happenings& happenings_;
};

Node::Node(NodeOptions options, Happenings& happenings, const Kept* kept)
    : options_(std::move(options)), happenings_(happenings) {
    replication::Events events;
    events.now = now;
    events.log = [this](replication::LogLevel, std::string_view line) {
        const std::lock_guard lock(mutex_);
        log_.append(line).append("\n");
        happenings_.happen();
    };
    events.ready = [this] {
        const std::lock_guard lock(mutex_);
        ++times_ready_;
        happenings_.happen();
    };
    auto stored = storage::default_store_options();
    stored.shards = 2;
    replicator_ = replication::make_replicator(factories(),
                                               {.options = options_.all,
                                                .secret = options_.secret,
                                                .shards = storage::planned_shard_count(stored),
                                                .software_version = "test"},
                                               events);
    stored.node = replicator_->node();
    sink_ = std::make_unique<Sink>(replicator_->sink(), happenings_);
    store_ = std::make_unique<storage::Store>(stored, lib::KeyedHash(options_.secret), *sink_);
    if (kept != nullptr) {
        store_->restore(kept->registers);
        REQUIRE(replicator_->recall({kept->remembered, kept->node}, *store_).has_value());
        for (const auto& [bytes, value] : kept->items) {
            auto head = storage::read_head(bytes);
            REQUIRE(head);
            head->item.value = value;
            (void)store_->restore(head->item, now());
        }
    }
    if (auto* gate = replicator_->ack_gate()) {
        gate->begin_waiting(gate->add_waiter([this] { happenings_.happen(); }));
    }
    replicator_->start(*store_);
}

Node::~Node() {
    replicator_->stop();
}

bool Node::is_ready() {
    return times_ready() > 0;
}

unsigned Node::times_ready() {
    const std::lock_guard lock(mutex_);
    return times_ready_;
}

std::string Node::log() {
    const std::lock_guard lock(mutex_);
    return log_;
}

std::map<std::string, std::string> Node::report() const {
    std::map<std::string, std::string> report;
    replicator_->stats([&](const lib::Figure& figure, std::string_view value) {
        report.emplace(std::string(figure.name), std::string(value));
    });
    return report;
}

storage::Ticket Node::set(std::string_view key, std::string_view value) {
    storage::Write write;
    write.value = value;
    const auto result = store_->write(store_->key(key), now(), write);
    REQUIRE(result.outcome == storage::WriteOutcome::stored);
    return result.ticket;
}

void Node::remove(std::string_view key) {
    (void)store_->remove(store_->key(key), now(), {});
}

void Node::flush() {
    (void)store_->flush(now());
}

void Node::flush_in(std::chrono::milliseconds delay) {
    const auto instant = now();
    store_->schedule_flush(instant.steady_ms + static_cast<std::uint64_t>(delay.count()), instant);
}

void Node::do_upkeep_after(std::chrono::milliseconds delay) {
    auto later = now();
    later.steady_ms += static_cast<std::uint64_t>(delay.count());
    later.version_ms += static_cast<std::uint64_t>(delay.count());
    later.unix_seconds += delay.count() / 1000;
    (void)store_->maintain(later);
}

bool Node::has(std::string_view key) {
    return get(key) != "(miss)";
}

std::string Node::get(std::string_view key) {
    std::string value = "(miss)";
    store_->get(store_->key(key), now(),
                [&](const storage::ItemView& item) { value = item.value; });
    return value;
}

std::map<std::string, storage::Version> Node::contents() {
    std::map<std::string, storage::Version> contents;
    std::optional<storage::Store::Cursor> cursor = storage::Store::Cursor{};
    while (cursor) {
        cursor = store_->walk(*cursor, 1000, now(), [&](const storage::ItemView& item) {
            contents[std::string(item.key)] = item.version;
        });
    }
    return contents;
}

Kept Node::stop_and_keep() {
    replicator_->drain();
    replicator_->stop();
    Kept kept;
    kept.remembered = replicator_->remember(*store_);
    kept.node = replicator_->node();
    kept.registers = store_->registers();
    store_->save([&](const storage::SavedItem& item) {
        std::array<char, storage::saved_item_head_most> head{};
        const auto size = storage::write_head(item, head.data());
        kept.items.emplace_back(std::string(head.data(), size), std::string(item.value));
        return true;
    });
    return kept;
}

}  // namespace twincached::test
