// Answers nodes that join or come back: what this node knows beside its items, which buckets
// differ, what the asker lacks, what it must drop, and what it alone has. Keeps nothing from one
// question to the next, so that an asker that goes away costs nothing, and one whose donor dies
// goes on with another. Owned by the engine, on the replication thread.
//
// What has no place in the log yet is given as well, for what it has overtaken is gone here: the
// asker tells it, too, for this node may die before it does. A bucket of which a removal has no
// place yet is not answered for until it has.
#pragma once

#include "lib/byte_buffer.hpp"
#include "replication/nats/broker.hpp"
#include "replication/nats/log/cluster_context.hpp"
#include "replication/nats/log/record_applier.hpp"
#include "replication/nats/walk/questions.hpp"

#include <array>
#include <cstddef>
#include <optional>
#include <span>
#include <string>
#include <string_view>
#include <vector>

namespace twincached::replication::nats {

// From every node the large value that is arriving, if one is.
using ArrivingValues = std::array<std::optional<ArrivingValue>, nodes_limit>;

class Donor {
  public:
    Donor(ClusterContext& context, Broker& broker, const ArrivingValues& arriving) noexcept
        : context_(context), broker_(broker), arriving_(arriving) {}

    // Of a message.
    void set_limit(std::size_t bytes) noexcept { limit_ = bytes; }
    // What one question is answered with at most, but for the last item.
    static constexpr std::size_t answer_bytes = 2U << 20;

    // `in_step`: there is something to be learnt here.
    void answer(std::string_view payload, std::string_view to, bool in_step);
    // This node has come further in the log: questions that waited for that are answered.
    void on_progress(bool in_step);
    void disconnect() noexcept { waiting_.clear(); }
    // More have to be asked again.
    static constexpr std::size_t waiting_limit = 16;

  private:
    struct Listing;
    struct Given {
        WireRecord head;
        std::string key;
        std::string value;
        storage::PinnedValue pin;
    };

    const StreamPlace* place_of(const StreamProgress& theirs) const noexcept;
    bool reads_the_same(const Question& question) const noexcept;
    bool is_behind(const Question& question) const noexcept;
    void begin(Topic topic, std::string_view to);
    void send(bool is_last, Verdict verdict = Verdict::given);
    void make_room(std::size_t bytes);

    void give_state();
    GivenState state() const;
    // What this node ever let go of the bucket, as far as it says anything to who asks.
    storage::Version ever(const KeptRemovals& removals,
                          storage::BucketNumber bucket) const noexcept;
    void give_differing(std::string_view frames);
    void give_floors(storage::BucketNumber first, std::span<const BucketDigest> floors);
    void give_lists(std::string_view frames);
    bool give_list(const ListReader& list);
    void compare(storage::Shard& shard, Listing& listing);
    void judge(storage::Shard& shard, const Listing& listing);
    void give_records();
    void give_large(const WireRecord& record);

    ClusterContext& context_;
    Broker& broker_;
    const ArrivingValues& arriving_;
    std::size_t limit_ = 256U << 10;
    struct Waiting {
        std::string payload;
        std::string to;
        std::uint64_t until_ms = 0;
    };
    void hear(const Waiting& waiting, bool in_step);
    std::vector<Waiting> waiting_;

    // Of the answer that is being given.
    lib::ByteBuffer out_;
    Topic topic_ = Topic::state;
    std::string to_;
    std::uint16_t part_ = 0;
    bool has_missed_nothing_ = false;  // who asks
    std::size_t given_bytes_ = 0;
    std::vector<Given> records_;
    std::vector<BucketItem> drop_;
    std::vector<std::uint64_t> want_;
};

}  // namespace twincached::replication::nats
