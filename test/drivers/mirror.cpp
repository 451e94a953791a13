#include "test/drivers/mirror.hpp"

#include "lib/mutex.hpp"
#include "lib/numbers.hpp"
#include "replication/ack_gate.hpp"
#include "replication/changes/change_sink.hpp"
#include "replication/driver_figures.hpp"
#include "replication/records/data_frames.hpp"
#include "replication/replication_options.hpp"
#include "test/drivers/mirror_records.hpp"
#include "test/drivers/mirror_room.hpp"

#include <array>
#include <atomic>
#include <condition_variable>
#include <cstdlib>
#include <deque>
#include <mutex>
#include <optional>
#include <string>
#include <thread>
#include <utility>
#include <vector>

namespace twincached::test {
namespace {

using namespace replication;

// What is on its way at a time: the room holds no more of either's words.
constexpr std::size_t frames_in_flight_limit = 64;
constexpr std::size_t buckets_per_lock = 256;

// Sent, and not yet acknowledged: what is settled when it is.
struct InFlight {
    enum class Kind : std::uint8_t { part, log, bucket, flush };
    std::uint64_t seq = 0;
    Kind kind = Kind::part;
    unsigned shard = 0;
    std::uint64_t place = 0;  // the log's position, the bucket, or how many flushes
    storage::Version flush = 0;
};

class Mirror final : public Replicator {
  public:
    Mirror(const Setup& setup, Events events)
        : options_(setup.options.get<ReplicationOptions>()),
          events_(std::move(events)),
          place_(setup.options.get<MirrorOptions>().place),
          gate_(make_gate(setup)),
          sink_(setup.shards, options_.log_memory_bytes, gate_.get()),
          room_(MirrorRoom::enter(setup.options.get<MirrorOptions>().room)) {
        sink_.set_wake([this] { wake(); });
    }
    ~Mirror() override { stop(); }

    storage::MutationSink& sink() noexcept override { return sink_; }
    std::optional<unsigned> node() const noexcept override { return place_; }
    AckGate* ack_gate() noexcept override { return gate_.get(); }

    void start(storage::Store& store) override {
        store_ = &store;
        room_->join(place_, [this] { wake(); });
        thread_ = std::thread([this] { run(); });
        if (events_.ready) events_.ready();
    }

    void drain() override {
        std::unique_lock lock(mutex_);
        if (!thread_.joinable()) return;
        is_draining_ = is_woken_ = true;
        changed_.notify_all();
        changed_.wait_for(lock, options_.drain_timeout, [this] { return is_drained_; });
    }

    void stop() noexcept override {
        if (!thread_.joinable()) return;
        {
            const std::lock_guard lock(mutex_);
            is_stopped_ = true;
        }
        changed_.notify_all();
        thread_.join();
        room_->leave(place_);
    }

    std::string remember(storage::Store& store) override {
        return std::to_string(store.version_time());
    }

    // The other's removals reach it as ever, for it is somebody else to the other. Its own that
    // the other may not have heard of count for all that was there when it ended.
    lib::Parsed<Recall> recall(const Remembered& memory, storage::Store& store) override {
        const auto time = lib::parse_number<std::uint64_t>(memory.bytes);
        if (!time) return Recall::anew;
        const auto floor = last_of(*time);
        for (unsigned i = 0; i < sink_.shard_count(); ++i) {
            store.with_shard(i, [&](storage::Shard&) { sink_.shard(i).mark_all_dirty(floor); });
        }
        return Recall::continued;
    }

    void stats(lib::FigureVisitor visit) const override {
        visit(driver_figure, "mirror");
        visit(state_figure, is_in_step_ ? "LINKED" : "SYNCING");
    }

  private:
    static std::unique_ptr<AckGate> make_gate(const Setup& setup) {
        if (setup.options.get<ReplicationOptions>().ack == AckMode::async) return nullptr;
        return std::make_unique<AckGate>(setup.shards, setup.options.get<AckGate::Options>());
    }

    void wake() {
        const std::lock_guard lock(mutex_);
        is_woken_ = true;
        changed_.notify_all();
    }

    void run() {
        for (;;) {
            {
                std::unique_lock lock(mutex_);
                changed_.wait(lock, [this] { return is_woken_ || is_stopped_; });
                if (is_stopped_) return;
                is_woken_ = false;
            }
            sink_.set_resting(false);
            turn();
            sink_.set_resting(true);
            if (has_more()) wake();
        }
    }

    void turn() {
        const auto heard = room_->hear(place_);
        if (heard.other != other_) begin(heard.other);
        for (const auto& bytes : heard.said)
            on_bytes(bytes);
        if (other_ != 0) produce();
        is_in_step_ = other_ != 0 && in_flight_.empty() && !has_dirty();
        if (gate_) (void)gate_->observe({other_ != 0 && !has_dirty(), 0, now().steady_ms});
        const std::lock_guard lock(mutex_);
        is_drained_ =
            is_draining_ && (other_ == 0 || (in_flight_.empty() && !has_unsent() && !has_dirty()));
        if (is_drained_) changed_.notify_all();
    }

    // Whoever is there now knows nothing of what was said before.
    void begin(std::uint64_t other) {
        other_ = other;
        applied_ = acknowledged_to_ = sequence_ = 0;
        in_flight_.clear();
        arriving_.clear();
        if (gate_) gate_->lose_link();
        for (unsigned i = 0; i < sink_.shard_count(); ++i) {
            store_->with_shard(i, [&](storage::Shard&) {
                auto& tracking = sink_.shard(i);
                for (std::size_t b = tracking.buckets.first(); b <= tracking.buckets.last(); ++b) {
                    const auto bucket = static_cast<storage::BucketNumber>(b);
                    if (tracking.buckets.is_walking(bucket)) tracking.buckets.abandon_walk(bucket);
                }
                tracking.mark_all_dirty(0);
                const auto keep = [&](const ChangeLog::Folded& removed) {
                    tracking.keep_in_floor(removed);
                };
                while (!tracking.fold_some(4096, keep)) {
                }
                sink_.refresh(i);
            });
        }
        sink_.set_linked(other != 0);
        sink_.tell_of_flush();
        sink_.on_flush_scheduled(0, 0);
    }

    bool has_unsent() const {
        for (unsigned i = 0; i < sink_.shard_count(); ++i)
            if (sink_.has_unsent(i)) return true;
        return sink_.has_news();
    }
    bool has_dirty() const {
        for (unsigned i = 0; i < sink_.shard_count(); ++i)
            if (sink_.shard(i).dirty.load() + sink_.shard(i).walking.load() > 0) return true;
        return false;
    }
    bool has_room() const { return in_flight_.size() < frames_in_flight_limit; }
    bool has_more() const { return other_ != 0 && has_room() && (has_unsent() || has_dirty()); }

    // --- what is said ---

    void produce() {
        if (sink_.take_flush_news()) say_flush();
        if (sink_.take_schedule_news()) say_schedule();
        for (unsigned i = 0; i < sink_.shard_count() && has_room(); ++i) {
            if (sink_.has_unsent(i)) say_changes(i);
            say_buckets(i);
        }
    }

    void say_flush() {
        const auto count = sink_.flushes();
        const auto version = store_->flush_version();
        lib::ByteBuffer out;
        write_frame(out, ++sequence_, Flush{version});
        say(out, {sequence_, InFlight::Kind::flush, 0, count, version});
    }

    void say_schedule() {
        const auto schedule = store_->flush_schedule();
        if (schedule.version == 0) return;
        lib::ByteBuffer out;
        write_frame(out, ++sequence_,
                    Schedule{now().steady_ms, schedule.at_steady_ms, schedule.version});
        say(out, {sequence_, InFlight::Kind::part});
    }

    void say_changes(unsigned shard_number) {
        std::vector<std::pair<OwnRecord, ChangeLog::Position>> records;
        store_->with_shard(shard_number, [&](storage::Shard& shard) {
            auto& log = sink_.shard(shard_number).log;
            while (records.size() < frames_in_flight_limit) {
                const auto found = log.next_unsent();
                if (!found) break;
                const auto version = found.entry->version;
                const storage::Key key{found.entry->key(), found.entry->hash};
                auto record = removal_of(key.bytes, version);
                shard.peek(key, now(), [&](const storage::ItemView& item) {
                    if (item.version >= version) record = record_of(item);
                });
                const auto position = log.mark_sent(found);
                records.emplace_back(std::move(record), position);
            }
            sink_.refresh(shard_number);
        });
        for (const auto& [record, position] : records)
            say_record(record, {0, InFlight::Kind::log, shard_number, position});
    }

    // A bucket is told as a whole: which items it holds, and then the items.
    void say_buckets(unsigned shard_number) {
        std::vector<storage::BucketNumber> told;
        std::vector<OwnRecord> items;
        std::vector<std::pair<storage::Version, std::vector<BucketItem>>> lists;
        store_->with_shard(shard_number, [&](storage::Shard& shard) {
            auto& buckets = sink_.shard(shard_number).buckets;
            for (std::size_t i = 0; i < buckets_per_lock && lists.size() < 8; ++i) {
                const auto bucket = buckets.next_to_walk(buckets.first());
                if (!bucket) break;
                buckets.begin_walk(*bucket, ++walks_);
                std::vector<BucketItem> listed;
                shard.visit_bucket(*bucket, now(), [&](const storage::ItemView& item) {
                    if (item.version == 0) return;
                    listed.push_back({item.hash, item.version});
                    items.push_back(record_of(item));
                });
                if (listed.empty() && buckets.floor(*bucket) == 0) {
                    buckets.end_walk(*bucket);  // there is nothing to say
                    continue;
                }
                told.push_back(*bucket);
                lists.emplace_back(buckets.floor(*bucket), std::move(listed));
            }
            sink_.refresh(shard_number);
        });
        for (const auto& record : items)
            say_record(record, {});
        for (std::size_t i = 0; i < told.size(); ++i) {
            lib::ByteBuffer out;
            write_list(out, {FrameType::list, ++sequence_, told[i], lists[i].first},
                       lists[i].second);
            say(out, {sequence_, InFlight::Kind::bucket, shard_number, told[i]});
        }
    }

    void say_record(const OwnRecord& own, InFlight meaning) {
        const auto record = own.whole();
        lib::ByteBuffer out;
        if (record.value.size() <= batched_value_limit) {
            BatchWriter batch(out, ++sequence_, 0, now().steady_ms);
            batch.add(record);
            batch.finish();
        } else {
            for (std::size_t at = 0; at < record.value.size(); at += segment_size) {
                Segment segment;
                segment.sender_now_ms = now().steady_ms;
                segment.offset = at;
                segment.total = static_cast<std::uint32_t>(record.value.size());
                segment.record = record;
                segment.record.value = record.value.substr(at, segment_size);
                write_frame(out, ++sequence_, segment);
            }
        }
        meaning.seq = sequence_;
        say(out, meaning);
    }

    void say(const lib::ByteBuffer& out, const InFlight& meaning) {
        in_flight_.push_back(meaning);
        room_->say(place_, other_, out.readable());
    }

    // --- what is heard ---

    void on_bytes(std::string_view bytes) {
        while (!bytes.empty()) {
            const auto read = read_frame(bytes);
            if (read.status != FrameStatus::complete) std::abort();
            if (read.frame.type == FrameType::ack) {
                on_ack(AckReader(read.frame.payload).seq());
            } else {
                if (read.frame.seq != ++applied_) std::abort();
                on_frame(read.frame);
            }
            bytes.remove_prefix(read.size);
        }
        if (applied_ == acknowledged_to_) return;
        lib::ByteBuffer out;
        write_frame(out, Ack{applied_, 0, {}});
        room_->say(place_, other_, out.readable());
        acknowledged_to_ = applied_;
    }

    void on_frame(const Frame& frame) {
        switch (frame.type) {
            case FrameType::batch: {
                BatchReader reader(frame.payload);
                WireRecord record;
                while (reader.next(record))
                    apply(record);
                return;
            }
            case FrameType::segment: {
                const auto segment = read_segment(frame.payload);
                if (segment->offset == 0) arriving_.clear();
                arriving_.append(segment->record.value);
                if (arriving_.size() < segment->total) return;
                auto record = segment->record;
                record.value = arriving_;
                return apply(record);
            }
            case FrameType::list:
                return on_list(ListReader(frame.payload));
            case FrameType::flush: {
                const auto version = read_flush(frame.payload)->version;
                store_->observe(version);
                store_->apply_flush(version);
                sink_.peer_knows_flush(version);
                return;
            }
            case FrameType::schedule: {
                // Both nodes live in one process, by one clock.
                const auto schedule = read_schedule(frame.payload);
                return store_->apply_flush_schedule(schedule->at_ms, schedule->version);
            }
            default:
                std::abort();
        }
    }

    void apply(const WireRecord& record) {
        const auto key = store_->key(record.key);
        store_->observe(record.version);
        if (record.kind == RecordKind::removal) {
            store_->with_shard(store_->shard_of(key.hash), [&](storage::Shard& shard) {
                (void)shard.apply_delete(key, record.version, now());
            });
            return;
        }
        storage::Record item;
        item.key = key;
        item.version = record.version;
        item.value = record.value;
        item.client_flags = record.client_flags;
        // Both nodes live in one process, by one clock.
        item.expiry =
            storage::Expiry::from_raw(static_cast<storage::Tick>(record.expiry_ms / 1000));
        item.explicit_cas = record.explicit_cas;
        item.stale = record.stale;
        item.binary_key = record.binary_key;
        (void)store_->apply(item, now());
    }

    // The bucket's items have come before: what is neither listed nor newer was removed there.
    void on_list(const ListReader& list) {
        std::vector<std::pair<std::string, std::uint64_t>> doomed;
        store_->with_shard(store_->shard_of_bucket(list.bucket()), [&](storage::Shard& shard) {
            shard.visit_bucket(list.bucket(), now(), [&](const storage::ItemView& item) {
                bool is_listed = false;
                for (std::size_t i = 0; i < list.size(); ++i)
                    is_listed = is_listed || list[i].hash == item.hash;
                if (!is_listed && item.version < list.floor())
                    doomed.emplace_back(item.key, item.hash);
            });
            shard.observe(list.floor());
            for (const auto& [key, hash] : doomed)
                shard.drop_in_doubt({key, hash}, now());
        });
    }

    void on_ack(std::uint64_t seq) {
        while (!in_flight_.empty() && in_flight_.front().seq <= seq) {
            const auto frame = in_flight_.front();
            in_flight_.pop_front();
            if (frame.kind == InFlight::Kind::part) continue;
            if (frame.kind == InFlight::Kind::flush) {
                sink_.peer_knows_flush(frame.flush);
                if (gate_) gate_->settle_flushes(frame.place);
                continue;
            }
            store_->with_shard(frame.shard, [&](storage::Shard&) {
                auto& tracking = sink_.shard(frame.shard);
                if (frame.kind == InFlight::Kind::log) {
                    tracking.log.acknowledge(frame.place);
                } else {
                    tracking.buckets.end_walk(static_cast<storage::BucketNumber>(frame.place));
                }
                sink_.refresh(frame.shard);
            });
        }
    }

    storage::Now now() const { return events_.now(); }

    const ReplicationOptions options_;
    const Events events_;
    const unsigned place_;
    const std::unique_ptr<AckGate> gate_;
    ChangeSink sink_;
    const std::shared_ptr<MirrorRoom> room_;
    storage::Store* store_ = nullptr;

    std::mutex mutex_;
    std::condition_variable changed_;
    bool is_woken_ = true;  // the first turn looks who is there
    bool is_stopped_ = false;
    bool is_draining_ = false;
    bool is_drained_ = false;
    std::atomic<bool> is_in_step_{false};
    std::thread thread_;

    // --- the thread's own
    std::uint64_t other_ = 0;  // the visit that it speaks with; 0: nobody
    std::uint64_t sequence_ = 0;
    std::uint64_t applied_ = 0;
    std::uint64_t acknowledged_to_ = 0;
    std::uint64_t walks_ = 0;
    std::deque<InFlight> in_flight_;
    std::string arriving_;  // a large value, piece by piece
};

std::unique_ptr<Replicator> make_mirror(const Setup& setup, Events events) {
    return std::make_unique<Mirror>(setup, std::move(events));
}

constexpr std::array rows = {
    lib::OptionRow{.section = "mirror",
                   .key = "room",
                   .fills = lib::fills<&MirrorOptions::room>,
                   .initial = "",
                   .help = "Where the two meet."},
    lib::OptionRow{.section = "mirror",
                   .key = "place",
                   .fills = lib::fills<&MirrorOptions::place>,
                   .initial = "0",
                   .most = 1,
                   .help = "Which of the two this one is."},
};

std::span<const lib::OptionRow> mirror_rows() noexcept {
    return rows;
}

class RoomNetwork final : public Network {
  public:
    explicit RoomNetwork(const std::string& room) : room_(MirrorRoom::enter(room)) {}
    ~RoomNetwork() override { room_->set_cut(false); }
    void cut() override { room_->set_cut(true); }
    void mend() override { room_->set_cut(false); }
    void tear() override { room_->tear(); }

  private:
    const std::shared_ptr<MirrorRoom> room_;
};

}  // namespace

const ReplicatorFactory mirror_factory{.name = "mirror", .make = make_mirror, .rows = mirror_rows};

std::unique_ptr<Network> mirror_network(const std::string& room) {
    return std::make_unique<RoomNetwork>(room);
}

}  // namespace twincached::test
