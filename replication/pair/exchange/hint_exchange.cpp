#include "replication/pair/exchange/hint_exchange.hpp"

#include "replication/records/data_frames.hpp"

#include <algorithm>
#include <limits>
#include <span>

namespace twincached::replication::pair {
namespace {

constexpr std::size_t frame_size_limit = frame_header_size + Hints::limit * 8;
constexpr auto never_ms = std::numeric_limits<std::uint64_t>::max();

}  // namespace

void HintExchange::begin(const Standing& peer) noexcept {
    const bool is_understood = (peer.capabilities & capability_hints) != 0;
    due_ms_ = is_understood ? 0 : never_ms;
    context_.sink.set_hinting(is_understood);
}

// What a client's thread adds meanwhile, it adds under the lock, before this takes it.
void HintExchange::end() noexcept {
    due_ms_ = never_ms;
    context_.sink.set_hinting(false);
    for (unsigned i = 0; i < context_.sink.shard_count(); ++i) {
        context_.store->with_shard(i,
                                   [&](storage::Shard&) { context_.sink.shard(i).hints.clear(); });
    }
}

void HintExchange::send(lib::ByteBuffer& out, std::size_t end_size, const storage::Now& now) {
    if (now.steady_ms < due_ms_) return;
    const unsigned shards = context_.sink.shard_count();
    for (unsigned i = 0; i < shards; ++i) {
        // The next call goes on here: no shard's hints are always the ones that find no room.
        if (out.size() + frame_size_limit > end_size) return;
        const unsigned shard = next_shard_;
        next_shard_ = (next_shard_ + 1) % shards;
        std::size_t count = 0;
        context_.store->with_shard(shard, [&](storage::Shard&) {
            count = context_.sink.shard(shard).hints.take(hashes_);
        });
        if (count == 0) continue;
        write_hints(out, std::span(hashes_).first(count));
        context_.counters.add(ExchangeCounter::hints_sent, count);
    }
    due_ms_ = now.steady_ms + exchange_tick.count();
}

bool HintExchange::receive(const Frame& frame, const storage::Now& now) noexcept {
    const HintReader hints(frame.payload);
    if (!hints.valid()) return false;
    std::array<std::uint64_t, ChangeLog::fetched_at_once> ahead;
    for (std::size_t i = 0; i < hints.size();) {
        const auto shard_number = context_.store->shard_of(hints[i]);
        const auto end = std::min(hints.size(), i + entries_per_hold);
        const auto is_here = [&] {
            return i < end && context_.store->shard_of(hints[i]) == shard_number;
        };
        context_.store->with_shard(shard_number, [&](storage::Shard& shard) {
            while (is_here()) {
                std::size_t count = 0;
                for (; count < ahead.size() && is_here(); ++i)
                    ahead[count++] = hints[i];
                const auto hashes = std::span(ahead).first(count);
                shard.prefetch(hashes);
                for (const auto hash : hashes)
                    shard.apply_hint(hash, now);
            }
        });
    }
    context_.counters.add(ExchangeCounter::hints_received, hints.size());
    return true;
}

}  // namespace twincached::replication::pair
