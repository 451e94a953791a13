// Brings the dirty buckets of this node in step with another node, its donor: a joining node has
// nothing but dirty buckets, one that comes back after too long as well, and one whose change log
// overflowed has some. Window by window:
//
//     look for a donor: "donor", whoever is in step answers        state of the log, once it is
//     needed a run of buckets: their digests                           -> which differ of those:
//     hash and version of each item                   -> what to drop, what to tell all,
//                                                                  and what was lacking
//     bucket done; if removals in it could not be told, its list is told in the log
//
// From the moment when a bucket's digest is read, its changes are logged again (rule R8). What the
// donor lacks is logged as wanted, and so goes to all; what it gives is applied like any record.
// A donor that dies is replaced; buckets that were not done are dirty again.
// Owned by the engine, on the replication thread.
#pragma once

#include "lib/byte_buffer.hpp"
#include "replication/nats/broker.hpp"
#include "replication/nats/log/batch_sender.hpp"
#include "replication/nats/log/cluster_context.hpp"
#include "replication/nats/log/record_applier.hpp"
#include "replication/nats/walk/questions.hpp"

#include <cstddef>
#include <cstdint>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

namespace twincached::replication::nats {

class Comparison final : private RecordApplier::Refusals {
  public:
    Comparison(ClusterContext& context, Broker& broker, RecordApplier& applier,
               BatchSender& sender) noexcept
        : context_(context), broker_(broker), applier_(applier), sender_(sender) {}

    void set_limit(std::size_t bytes) noexcept { limit_ = bytes; }

    enum class Phase : std::uint8_t {
        idle,
        seeking,  // a donor
        met,      // one has answered: take_state(), then go_on()
        digests,  // asked for
        lists,    // asked for
        pausing,  // until `resume_ms`, and then on with the same
    };
    Phase phase() const noexcept { return phase_; }
    bool is_active() const noexcept { return phase_ != Phase::idle; }

    // Looks for a donor. REQUIRES: idle, connected.
    void seek();
    // What the donor said beside its items. REQUIRES: Phase::met.
    const GivenState& state() const noexcept { return state_; }
    // Buckets are compared from now on. REQUIRES: Phase::met.
    void go_on();
    // Without a donor; what was not done is dirty again.
    void stop();
    // The connection is gone: lists that wait to be told are dirty again, too.
    void disconnect();

    void answered(Token token, std::string_view payload);
    void not_answered(Token token);
    void on_time();
    // None: it waits for nothing but answers.
    std::optional<std::uint64_t> resume_at_ms() const noexcept {
        if (phase_ == Phase::idle) return std::nullopt;
        return resume_ms_;
    }
    // Since the last seek() nobody has answered.
    bool is_lonely() const noexcept { return is_lonely_; }
    unsigned donor() const noexcept { return donor_; }

  private:
    void refused(storage::Shard& shard, unsigned shard_number, const storage::Key& key,
                 storage::Version version) override;

    void ask(std::string_view subject, Topic topic, std::string_view frames);
    std::string donors_subject() const;
    void pause(std::uint64_t ms) noexcept;
    void next();
    bool gather_window();
    bool gather(std::vector<storage::BucketNumber>& dirty);
    void begin_walks(const std::vector<storage::BucketNumber>& buckets);
    template <class Visit>
    void each_shard(const std::vector<storage::BucketNumber>& buckets, Visit visit);
    void ask_digests();
    void ask_lists();
    std::size_t write_bucket(lib::ByteBuffer& out, storage::BucketNumber bucket);
    void on_state(const Answer& answer);
    void on_digests(const Answer& answer);
    void on_lists(const Answer& answer);
    bool take_frame(const Frame& frame);
    void take_drops(const ListReader& list);
    void take_wants(const AckReader& wants);
    void finish(const std::vector<storage::BucketNumber>& buckets);
    void abandon(const std::vector<storage::BucketNumber>& buckets);
    void give_up();

    ClusterContext& context_;
    Broker& broker_;
    RecordApplier& applier_;
    BatchSender& sender_;
    std::size_t limit_ = 256U << 10;

    Phase phase_ = Phase::idle;
    Token token_ = 0;          // of what was asked last
    std::uint16_t parts_ = 0;  // of the answer, so far
    std::uint64_t resume_ms_ = 0;
    bool is_lonely_ = false;
    unsigned donor_ = 0;
    GivenState state_;
    std::uint64_t walks_ = 0;
    std::size_t cursor_ = 0;  // where the next window is looked for
    // Under way: to be compared by digests, or by lists; and those that were asked for.
    std::vector<storage::BucketNumber> by_digest_;
    std::vector<storage::BucketNumber> by_list_;
    std::vector<storage::BucketNumber> asked_;
    std::optional<ArrivingValue> arriving_;
    bool is_given_ = false;            // something, of what was asked last
    std::vector<BucketItem> refused_;  // of this window, as the donor holds them
    std::vector<BucketItem> items_;
};

}  // namespace twincached::replication::nats
