#include "replication/nats/log/hint_teller.hpp"

#include "lib/byte_buffer.hpp"
#include "replication/records/data_frames.hpp"
#include "replication/records/frame.hpp"

#include <algorithm>
#include <span>

namespace twincached::replication::nats {
namespace {

// What finds no room in between is not told: of each shard at most so many in so long.
constexpr std::uint64_t pause_ms = 100;

}  // namespace

void HintTeller::tell() {
    if (context_.now.steady_ms < due_ms_) return;
    due_ms_ = context_.now.steady_ms + pause_ms;
    for (unsigned i = 0; i < context_.shard_count(); ++i) {
        std::size_t count = 0;
        context_.with_shard(
            i, [&](storage::Shard&) { count = context_.tracking(i).hints.take(hashes_); });
        if (count == 0) continue;
        lib::ByteBuffer out;
        write_hints(out, std::span(hashes_).first(count));
        broker_.tell(subject, out.readable());
        context_.counters.add(ClusterCounter::hints_sent, count);
    }
}

void HintTeller::hear(std::string_view payload) {
    const auto read = read_frame(payload);
    if (read.status != FrameStatus::complete || read.frame.type != FrameType::hint) return;
    const HintReader hints(read.frame.payload);
    if (!hints.valid()) return;
    for (std::size_t i = 0; i < hints.size();) {
        const auto number = context_.store->shard_of(hints[i]);
        const auto end = std::min(hints.size(), i + entries_per_hold);
        context_.with_shard(number, [&](storage::Shard& shard) {
            for (; i < end && context_.store->shard_of(hints[i]) == number; ++i)
                shard.apply_hint(hints[i], context_.now);
        });
    }
    context_.counters.add(ClusterCounter::hints_received, hints.size());
}

}  // namespace twincached::replication::nats
