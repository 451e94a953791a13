// The inside of the exchange, shared by its two source files: exchange_sessions.cpp (how sessions
// begin and end, and what survives a restart) and exchange.cpp (what they carry). For nobody else.
#pragma once

#include "replication/changes/change_sink.hpp"
#include "replication/pair/exchange/exchange.hpp"
#include "replication/pair/exchange/exchange_context.hpp"
#include "replication/pair/exchange/hint_exchange.hpp"
#include "replication/pair/exchange/incoming.hpp"
#include "replication/pair/exchange/log_sender.hpp"
#include "replication/pair/exchange/pair_memory.hpp"
#include "replication/pair/exchange/scrub.hpp"
#include "replication/pair/exchange/walk.hpp"
#include "replication/records/data_frames.hpp"
#include "storage/store.hpp"

#include <atomic>
#include <cstddef>
#include <cstdint>
#include <string>
#include <string_view>

namespace twincached::replication::pair {

class Exchange::Impl {
  public:
    Impl(ChangeSink& sink, const ExchangeOptions& options)
        : context_{sink, options},
          log_(context_),
          walk_(context_),
          incoming_(context_),
          scrub_(context_, incoming_),
          hints_(context_) {}

    void attach(storage::Store& store) noexcept { context_.store = &store; }
    bool in_session() const noexcept { return in_session_; }

    Standing standing(const storage::Now& now) const noexcept;
    void begin(const Standing& peer, const storage::Now& now) noexcept;
    void end() noexcept;

    bool on_frame(const Frame& frame, const storage::Now& now) noexcept;
    std::size_t produce(lib::ByteBuffer& out, std::size_t budget_bytes,
                        const storage::Now& now) noexcept;
    bool wants_to_send() const noexcept;
    bool may_rest() noexcept;
    void measure_lag(const storage::Now& now) noexcept;
    bool caught_up() const noexcept;
    bool drained() const noexcept;
    bool is_dirty() const noexcept { return context_.sum(&ShardTracking::dirty) > 0; }
    void distrust_peer() noexcept {
        if (auto* gate = context_.sink.gate()) gate->lose_link();
    }
    std::uint64_t lag_ms() const noexcept { return lag_ms_.load(std::memory_order_relaxed); }
    ExchangeStats stats() const noexcept;
    Traffic traffic() const noexcept { return context_.traffic(); }
    std::uint64_t scrub_defects() const noexcept {
        return context_.counters.get(ExchangeCounter::scrub_defects);
    }

    std::string remember(bool alone);
    bool recall(std::string_view remembered);
    Meeting judge(const Standing& peer) const noexcept;
    void forget(std::uint64_t new_epoch, const storage::Now& now) noexcept;
    bool has_unconfirmed_memory() const noexcept { return unconfirmed_; }
    void believe_memory() noexcept { unconfirmed_ = false; }
    bool needs_peers_word() const noexcept { return unconfirmed_ && !was_alone_; }
    std::uint64_t epoch() const noexcept { return context_.options.epoch; }

  private:
    void leave_peer() noexcept;
    bool is_former_peer(std::uint64_t epoch) const noexcept;
    void meet(const Standing& peer) noexcept;
    void hear() noexcept;
    void forget_items(const storage::Now& now) noexcept;
    void start_over(storage::Version floor) noexcept;
    void merge(const Standing& peer, const storage::Now& now) noexcept;

    bool on_ack(const Frame& frame, const storage::Now& now) noexcept;
    void record_wanted(const AckReader& ack, const storage::Now& now) noexcept;
    void free_acknowledged(std::uint64_t seq) noexcept;
    void free_flush(const InFlight& frame) noexcept;
    void free_digests(std::uint64_t seq, const InFlight& frame) noexcept;
    bool on_bucket_requests(const Frame& frame) noexcept;

    void send_large(lib::ByteBuffer& out, std::size_t end_size, const storage::Now& now) noexcept;
    void send_news(lib::ByteBuffer& out, const storage::Now& now) noexcept;
    void send_changes(lib::ByteBuffer& out, std::size_t end_size, const storage::Now& now) noexcept;

    ExchangeContext context_;
    LogSender log_;
    WalkSender walk_;
    Incoming incoming_;
    Scrub scrub_;
    HintExchange hints_;

    bool in_session_ = false;
    // The incarnation of the peer that log and buckets refer to, and how far we came with it.
    std::uint64_t peer_epoch_ = 0;
    FormerPeers former_peers_{};
    SharedPast past_;
    std::uint64_t peer_session_ = 0;  // the peer's number of this session

    // What we hold from before this, the peer and we had the chance to talk about.
    storage::Version split_ = 0;

    // Items came back from before a restart, and no session has been held since.
    bool unconfirmed_ = false;
    bool was_alone_ = false;  // REQUIRES: unconfirmed_

    std::atomic<std::uint64_t> lag_ms_{0};
};

}  // namespace twincached::replication::pair
