// What this node's clients have asked and the other node is to decide: numbers it, sends it once
// what was changed before is in the stream (rule A3), applies the answers and hands them out (A1).
// A request that has left is never sent again (A2).
//
//     take -> waiting --send: REQUEST--> under way --OUTCOME--> decided, or undecided
//                |                          '-- session over, or too late --> unknown
//                '-- withdraw: this node does not ask any more --> undecided
//
// It knows no thread that waits: what is settled is marked so, and take_news() tells that somebody
// is to look again. Owned by the session's keeper, on the replication strand. What is not noexcept
// throws std::bad_alloc; the session must end then, and nothing that was asked is lost by it.
#pragma once

#include "lib/byte_buffer.hpp"
#include "replication/changes/change_sink.hpp"
#include "replication/pair/arbitration/peers_word.hpp"
#include "replication/pair/arbitration/stream_place.hpp"
#include "replication/records/arbitration_frames.hpp"
#include "storage/arbiter.hpp"
#include "storage/store.hpp"

#include <chrono>
#include <cstddef>
#include <cstdint>
#include <deque>
#include <memory>
#include <utility>

namespace twincached::replication::pair {

// Of each direction. Who asks keeps to it; from one who does not, no more is taken.
inline constexpr std::size_t requests_limit = 1024;

class Asking {
  public:
    using Asked = std::shared_ptr<storage::Question>;
    struct Parts {
        ChangeSink& sink;
        PeersWord& peer;
    };
    explicit Asking(const Parts& parts) noexcept : parts_(parts) {}
    // Before anything else.
    void attach(storage::Store& store) noexcept { store_ = &store; }
    void set_timeout(std::chrono::milliseconds timeout) noexcept {
        timeout_ms_ = static_cast<std::uint64_t>(timeout.count());
    }

    // A client's, in the order in which they are asked. REQUIRES: a session.
    void take(Asked question, const storage::Now& now);
    bool has_work() const noexcept { return !waiting_.empty(); }
    // Appends REQUESTs until `end_size`, of which the last may go beyond it.
    // REQUIRES: the peer decides, and no value is half written to the same stream.
    void send(lib::ByteBuffer& out, std::size_t end_size, const storage::Now& now);
    // False: the peer breaks the protocol, or tells of a version that is not to be believed.
    [[nodiscard]] bool on_outcome(const Frame& frame, const storage::Now& now);
    // Who has waited for too long is told that nobody knows.
    void expire(const storage::Now& now) noexcept;
    // What has not left is not asked any more.
    void withdraw() noexcept;
    // The session is over. `all_answered`: the peer has answered all that it executed.
    void end(bool all_answered) noexcept;

    // Something was settled since the last call.
    bool take_news() noexcept { return std::exchange(has_news_, false); }

    std::uint64_t unknown() const noexcept { return unknown_; }  // since the start
    std::size_t under_way() const noexcept { return waiting_.size() + sent_.size(); }

  private:
    struct Pending {
        Asked question;
        StreamPlace place;
        std::uint64_t asked_ms = 0;
    };
    struct Sent {
        std::uint64_t number = 0;
        Asked question;
        std::uint64_t asked_ms = 0;
        bool is_awaited = true;  // false: who asked was told already
    };
    bool is_late(std::uint64_t asked_ms, const storage::Now& now) const noexcept {
        return now.steady_ms >= asked_ms + timeout_ms_;
    }
    void settle(storage::Question& question, storage::Question::State state) noexcept;
    bool answers(const OutcomeFrame& outcome, const storage::Operation& operation) const noexcept;
    void settle_by(OutcomeFrame outcome, storage::Question& question, const storage::Now& now);
    void find_large(storage::Decision& decision, const storage::Operation& operation,
                    const storage::Now& now) const;

    const Parts parts_;
    storage::Store* store_ = nullptr;
    std::uint64_t timeout_ms_ = 1000;
    std::deque<Pending> waiting_;
    std::deque<Sent> sent_;  // in the order of their numbers, which is that of their answers
    std::uint64_t last_number_ = 0;
    bool has_news_ = false;
    std::uint64_t unknown_ = 0;
};

}  // namespace twincached::replication::pair
