#include "replication/ack_gate.hpp"

#include "lib/allocation.hpp"

#include <algorithm>
#include <utility>

namespace twincached::replication {

namespace {

// A link that has just failed someone must be quiet for so long before it is waited for again.
constexpr std::uint64_t calm_ms = 1000;
constexpr std::uint64_t calm_lag_ms = 10;

}  // namespace

AckGate::AckGate(unsigned shards, const Options& options)
    : shards_(shards),
      options_(options),
      confirmed_(std::make_unique<std::atomic<std::uint64_t>[]>(shards + 1)),
      overflows_(shards) {}

unsigned AckGate::add_waiter(std::function<void()> wake) {
    waiters_.push_back(std::make_unique<Waiter>());
    waiters_.back()->wake = std::move(wake);
    return static_cast<unsigned>(waiters_.size() - 1);
}

AckGate::Answer AckGate::look(std::span<const storage::Ticket> tickets,
                              Generation made_in) noexcept {
    const bool confirmed = std::all_of(tickets.begin(), tickets.end(), [&](const auto& ticket) {
        return ticket.position < confirmed_[ticket.shard].load();
    });
    const bool can_be = std::none_of(tickets.begin(), tickets.end(), [](const auto& ticket) {
        return ticket.position == storage::Ticket::unconfirmable;
    });
    if (!can_be) degrade(Reason::overflowed);
    // Asked after the positions: they were confirmed in the same generation, then.
    const auto current = generation();
    if (current == made_in && (current & 1U) != 0) return confirmed ? Answer::go : Answer::wait;
    degraded_answers_.fetch_add(1, std::memory_order_relaxed);
    if (!options_.required) return Answer::go;
    refused_answers_.fetch_add(1, std::memory_order_relaxed);
    return Answer::refuse;
}

void AckGate::settle(unsigned shard, std::uint64_t position, std::uint64_t overflows) noexcept {
    if (std::exchange(overflows_[shard], overflows) != overflows) degrade(Reason::overflowed);
    confirm(shard, position);
}

void AckGate::confirm(unsigned place, std::uint64_t position) noexcept {
    if (confirmed_[place].load(std::memory_order_relaxed) >= position) return;
    confirmed_[place].store(position);
    has_news_ = true;
}

// Whoever comes first names the reason.
void AckGate::degrade(Reason reason) noexcept {
    auto current = generation();
    if ((current & 1U) == 0) return;
    if (!generation_.compare_exchange_strong(current, current + 1)) return;
    reason_.store(reason);
    degradations_.fetch_add(1, std::memory_order_relaxed);
}

// The first time there is nothing to distrust; later the link must have shown that it is well.
bool AckGate::may_recover(const Link& link) noexcept {
    if (!link.in_step || link.lag_ms >= calm_lag_ms) {
        calm_since_ms_.reset();
        return false;
    }
    if (!calm_since_ms_) calm_since_ms_ = link.now_ms;
    return generation() == 0 || link.now_ms - *calm_since_ms_ >= calm_ms;
}

std::optional<std::string> AckGate::observe(const Link& link) {
    if (!link.in_step) degrade(Reason::not_linked);
    if (!is_in_sync() && may_recover(link)) {
        generation_.fetch_add(1);
        calm_since_ms_.reset();
    }
    const auto current = generation();
    if (std::exchange(has_news_, false) || current != announced_) wake_waiters();
    if (std::exchange(announced_, current) == current) return std::nullopt;
    if ((current & 1U) != 0) return "answers to changes wait for the peer (ack = received)";
    std::string line = options_.required
                           ? "changes are stored, but answered with an error (ack-required): "
                           : "changes are answered without waiting for the other node: ";
    switch (reason_.load()) {
        case Reason::not_linked:
            return line + "the peer is not linked";
        case Reason::timed_out:
            return line + "the peer did not confirm a change within " +
                   std::to_string(options_.timeout.count()) + " ms";
        case Reason::overflowed:
            return line + "the change log is full";
    }
    return line;
}

void AckGate::wake_waiters() {
    for (auto& waiter : waiters_) {
        if (!waiter->waits.load() || !waiter->waits.exchange(false)) continue;
        if (lib::has_memory_for(waiter->wake)) continue;
        // It is woken at the next look.
        waiter->waits.store(true);
        has_news_ = true;
    }
}

}  // namespace twincached::replication
