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

#include "replication/nats/broker.hpp"
#include "replication/nats/log/batch_sender.hpp"
#include "replication/nats/log/cluster_context.hpp"
#include "replication/nats/log/record_applier.hpp"
#include "replication/nats/walk/answer_taker.hpp"
#include "replication/nats/walk/bucket_window.hpp"
#include "replication/nats/walk/questions.hpp"

#include <cstddef>
#include <cstdint>
#include <optional>
#include <string>
#include <string_view>

namespace twincached::replication::nats {

class Comparison {
  public:
    Comparison(ClusterContext& context, Broker& broker, RecordApplier& applier,
               BatchSender& sender) noexcept
        : context_(context),
          broker_(broker),
          sender_(sender),
          window_(context, sender),
          taker_(context, applier) {}

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
    void not_answered(Token token, std::string_view why);
    // This attempt comes to nothing; another donor may be found.
    void give_up(std::string_view why);
    // Why the last attempt came to nothing; empty since one has not.
    const std::string& trouble() const noexcept { return trouble_; }
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
    void ask(std::string_view subject, Topic topic, std::string_view frames);
    std::string donors_subject() const;
    void pause(std::uint64_t ms) noexcept;
    void next();
    void ask_digests();
    void ask_lists();
    void on_behind();
    void on_state(const Answer& answer);
    void on_digests(const Answer& answer);
    void on_lists(const Answer& answer);
    bool take_frames(std::string_view bytes);
    bool take_frame(const Frame& frame);

    ClusterContext& context_;
    Broker& broker_;
    BatchSender& sender_;
    BucketWindow window_;
    AnswerTaker taker_;
    std::size_t limit_ = 256U << 10;

    Phase phase_ = Phase::idle;
    Token token_ = 0;          // of what was asked last
    std::uint16_t parts_ = 0;  // of the answer, so far
    std::uint64_t resume_ms_ = 0;
    bool is_lonely_ = false;
    std::uint64_t received_bytes_ = 0;  // since it last paused for `sync_rate_bytes`
    std::string trouble_;
    std::uint64_t behind_since_ms_ = 0;  // the donor is; 0: it is not
    unsigned donor_ = 0;
    GivenState state_;
};

}  // namespace twincached::replication::nats
