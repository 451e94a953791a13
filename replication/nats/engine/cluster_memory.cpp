#include "replication/nats/engine/cluster_memory.hpp"

#include "lib/byte_buffer.hpp"
#include "replication/records/wire.hpp"

#include <algorithm>
#include <cstddef>

namespace twincached::replication::nats {
namespace {

constexpr std::string_view mark = "cluster 2";
constexpr std::size_t bucket_size = 10;

}  // namespace

// What was not told to all counts as removed up to the newest of it.
std::string write_memory(ClusterContext& context) {
    lib::ByteBuffer out;
    WireWriter writer(out);
    writer.bytes(mark).u8(context.members.live_others() == 0 ? 1 : 0);
    for (unsigned i = 0; i < context.shard_count(); ++i) {
        context.with_shard(i, [&](storage::Shard&) {
            auto& tracking = context.tracking(i);
            tracking.log.rewind();
            while (!tracking.fold_into_buckets(4096)) {
            }
            auto& buckets = tracking.buckets;
            auto& removals = context.sink.removals(i);
            for (std::size_t b = buckets.first(); b <= buckets.last(); ++b) {
                const auto bucket = static_cast<storage::BucketNumber>(b);
                const auto ever = std::max(removals.ever(bucket), buckets.floor(bucket));
                if (ever != 0) writer.u16(bucket).u64(ever);
            }
        });
    }
    return std::string(out.readable());
}

std::optional<ClusterMemory> read_memory(std::string_view bytes, ClusterContext& context) {
    WireReader head(bytes);
    if (head.bytes(mark.size()) != mark) return std::nullopt;
    const ClusterMemory memory{head.u8() != 0};
    if (head.failed() || head.remaining() % bucket_size != 0) return std::nullopt;
    const auto entries = head.bytes(head.remaining());
    for (WireReader in(entries); in.remaining() > 0;) {
        in.u16();
        if (!context.admits(in.u64())) return std::nullopt;
    }
    for (WireReader in(entries); in.remaining() > 0;) {
        const storage::BucketNumber bucket = in.u16();
        const auto ever = in.u64();
        const auto number = context.store->shard_of_bucket(bucket);
        context.with_shard(number, [&](storage::Shard&) {
            context.sink.removals(number).raise_ever(bucket, ever);
        });
    }
    return memory;
}

}  // namespace twincached::replication::nats
