// Walks over dirty buckets: tells the peer, bucket by bucket, which versions of which keys are
// here (rule R8), and answers such lists of the peer's (rule R9): what it lacks it asks for, what
// the peer would have and has not may be outdated and is dropped. A fresh node is only the case
// in which every bucket is dirty. Owned by the exchange, on the replication strand.
#pragma once

#include "lib/byte_buffer.hpp"
#include "replication/pair/exchange/exchange_context.hpp"
#include "replication/pair/exchange/standing.hpp"
#include "replication/records/data_frames.hpp"
#include "storage/now.hpp"

#include <cstddef>
#include <cstdint>
#include <string>
#include <vector>

namespace twincached::replication::pair {

// How fast a resync may go: a budget of bytes that fills with time.
class SyncPace {
  public:
    explicit SyncPace(std::uint64_t bytes_per_second) noexcept : rate_(bytes_per_second) {}

    bool allows(std::uint64_t now_ms) noexcept;
    void spend(std::uint64_t bytes) noexcept {
        if (rate_ != 0) credit_ -= static_cast<std::int64_t>(bytes);
    }

  private:
    std::uint64_t rate_;
    std::int64_t credit_ = 0;
    std::uint64_t filled_ms_ = 0;
};

class WalkSender {
  public:
    // What the peer may ask for in answer to lists, and has asked for and not yet acknowledged.
    static constexpr std::uint64_t wanted_limit_bytes = 8U << 20;
    static constexpr std::size_t lists_limit = 4096;

    explicit WalkSender(ExchangeContext& context) noexcept
        : context_(context), pace_(context.options.sync_rate_bytes) {}

    // A session begins. `peer`: what it understands and holds.
    void begin(const Standing& peer) noexcept;
    // Cheap; wrong only for a moment.
    bool has_work() const noexcept { return !stalled_ && may_send(); }
    // Appends lists, about `budget_bytes`, from one shard. False: there was none to send.
    bool send_lists(lib::ByteBuffer& out, std::size_t budget_bytes, const storage::Now& now);

    // The peer acknowledged digests, or wants lists instead.
    void on_digests_gone() noexcept { stalled_ = false; }
    // The peer acknowledged a list, or it was lost; call after the bucket itself was told.
    void on_list_gone(const InFlight& frame) noexcept;
    void on_wanted(std::uint64_t bytes) noexcept { pace_.spend(bytes); }
    void end() noexcept;

  private:
    struct Pass;
    bool may_send() const noexcept;
    void list_some(Pass& pass, storage::Shard& shard);
    void list_bucket(Pass& pass, storage::Shard& shard, storage::BucketNumber bucket);
    bool tell_digests(Pass& pass, storage::BucketNumber first);

    ExchangeContext& context_;
    SyncPace pace_;
    unsigned next_shard_ = 0;
    std::size_t lists_in_flight_ = 0;
    std::uint64_t cost_in_flight_ = 0;
    bool stalled_ = false;  // the last attempt found nothing
    bool digests_pay_ = false;
    std::vector<BucketDigest> digests_;
    std::vector<BucketItem> items_;
};

class ListReceiver {
  public:
    explicit ListReceiver(ExchangeContext& context)
        : context_(context), evictions_before_(context.sink.shard_count()) {}

    // A session begins, after one that ended, or a first one, at that version time.
    void begin(storage::Version split) noexcept;
    // Applies a list; appends the hashes of what is wanted. False: it makes no sense.
    [[nodiscard]] bool apply(const ListReader& list, const storage::Now& now,
                             std::vector<std::uint64_t>& wants);
    // Compares digests; appends the buckets whose lists are wanted (rule R16).
    [[nodiscard]] bool apply(DigestReader digests, const storage::Now& now,
                             std::vector<storage::BucketNumber>& requests);

  private:
    // What we hold of a listed item.
    struct Listed {
        BucketItem item;
        storage::Version held = 0;
    };
    bool take_over(const ListReader& list, const storage::Now& now);
    void compare(const ListReader& list, const storage::Now& now);
    void ask_for_news(storage::BucketNumber bucket, bool has_room,
                      std::vector<std::uint64_t>& wants);
    void drop_doubtful(const ListReader& list, const storage::Now& now) noexcept;
    bool is_wanted(const Listed& listed, storage::Shard& shard, ShardTracking& tracking,
                   storage::BucketNumber bucket) const noexcept;
    bool has_room(unsigned shard, const storage::Now& now) noexcept;

    ExchangeContext& context_;
    storage::Version split_ = 0;
    std::vector<std::uint64_t> evictions_before_;  // per shard, when the session began
    std::uint64_t memory_checked_ms_ = 0;
    bool memory_is_full_ = false;

    // Scratch, kept for its memory.
    std::vector<Listed> listed_;
    std::string doomed_keys_;
    struct Doomed {
        std::uint64_t hash;
        std::size_t key_at;
        std::size_t key_size;
    };
    std::vector<Doomed> doomed_;
};

}  // namespace twincached::replication::pair
