// Ack mode `received`: an answer to a client leaves only when the peer has what it speaks of. The
// gate knows how far the peer has come and whether it can be relied on just now; it holds no
// answers and no clients. Who has to wait keeps its answer back and looks again when it is woken.
//
//     io thread:    generation -> change -> look -> [begin_waiting -> look -> rest] -> look ...
//     strand:       settle (under the shard's lock) ... -> observe -> wakes who waits
//
// The gate is either in sync or degraded. Degraded, nobody waits: answers leave at once, or, if an
// acknowledgement is required, as errors. Every change of that state is one line in the log and
// a new generation; what began in another generation counts as not confirmed. Owned by the driver.
#pragma once

#include "storage/mutation.hpp"

#include <atomic>
#include <chrono>
#include <cstddef>
#include <cstdint>
#include <functional>
#include <memory>
#include <optional>
#include <span>
#include <string>
#include <vector>

namespace twincached::replication {

class AckGate {
  public:
    // Filled by the rows of replication_options.cpp, which have the defaults.
    struct Options {
        std::chrono::milliseconds timeout{};
        bool required{};  // an answer that the peer did not confirm is an error
    };
    enum class Answer : std::uint8_t { go, wait, refuse };
    using Generation = std::uint32_t;

    AckGate(unsigned shards, const Options& options);

    // --- any io thread -----------------------------------------------------------------------
    Generation generation() const noexcept { return generation_.load(); }
    // May an answer leave that speaks of these changes, which were made in that generation?
    // Counts what leaves without the peer's word.
    Answer look(std::span<const storage::Ticket> tickets, Generation made_in) noexcept;
    // A wait has lasted for `timeout`: nobody waits any longer.
    void time_out() noexcept { degrade(Reason::timed_out); }
    std::chrono::milliseconds timeout() const noexcept { return options_.timeout; }
    bool is_required() const noexcept { return options_.required; }

    // Before any thread runs. `wake` is called on the replication thread, and must only post.
    unsigned add_waiter(std::function<void()> wake);
    // The next time that anything changes, the waiter is woken, once. Look again after it.
    void begin_waiting(unsigned waiter) noexcept { waiters_[waiter]->waits.store(true); }

    // --- the replication thread --------------------------------------------------------------
    // REQUIRES: that shard's lock. Every change before `position` is with the peer, or nothing
    // that it must know, unless one of `overflows` took it out of the log.
    void settle(unsigned shard, std::uint64_t position, std::uint64_t overflows) noexcept;
    // The peer knows of so many flushes of this node's clients.
    void settle_flushes(std::uint64_t count) noexcept { confirm(flush_place(), count + 1); }
    // The session with the peer is over.
    void lose_link() noexcept { degrade(Reason::not_linked); }
    // After every turn. Wakes who may have something to look at; gives the line for the log.
    struct Link {
        bool in_step = false;      // LINKED
        std::uint64_t lag_ms = 0;  // of the oldest change that is not confirmed
        std::uint64_t now_ms = 0;
    };
    std::optional<std::string> observe(const Link& link);

    // --- any thread --------------------------------------------------------------------------
    // The place of flushes among the shards' positions: a ticket's shard.
    unsigned flush_place() const noexcept { return shards_; }
    bool is_in_sync() const noexcept { return (generation() & 1U) != 0; }
    // Answers that left without the peer's word, and those of them that were turned into errors.
    std::uint64_t degraded_answers() const noexcept { return degraded_answers_.load(); }
    std::uint64_t refused_answers() const noexcept { return refused_answers_.load(); }
    std::uint64_t degradations() const noexcept { return degradations_.load(); }

  private:
    enum class Reason : std::uint8_t { not_linked, timed_out, overflowed };
    struct Waiter {
        std::function<void()> wake;
        std::atomic<bool> waits{false};
    };
    void confirm(unsigned place, std::uint64_t position) noexcept;
    void degrade(Reason reason) noexcept;
    bool may_recover(const Link& link) noexcept;
    void wake_waiters();

    const unsigned shards_;
    const Options options_;
    // Per shard, and one for flushes: what comes before this is confirmed.
    std::unique_ptr<std::atomic<std::uint64_t>[]> confirmed_;
    std::atomic<Generation> generation_{0};  // odd: in sync
    std::atomic<Reason> reason_{Reason::not_linked};
    std::atomic<std::uint64_t> degraded_answers_{0};
    std::atomic<std::uint64_t> refused_answers_{0};
    std::atomic<std::uint64_t> degradations_{0};
    std::vector<std::unique_ptr<Waiter>> waiters_;

    // --- of the replication thread alone
    std::vector<std::uint64_t> overflows_;
    bool has_news_ = false;
    Generation announced_ = 0;
    std::optional<std::uint64_t> calm_since_ms_;
};

}  // namespace twincached::replication
