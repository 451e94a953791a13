#include "replication/nats/engine/cluster_memory.hpp"

#include "lib/byte_buffer.hpp"
#include "replication/nats/engine/starting_over.hpp"
#include "replication/records/wire.hpp"

#include <algorithm>
#include <cstddef>

namespace twincached::replication::nats {
namespace {

constexpr std::string_view family = "cluster ";
constexpr std::string_view mark = "cluster 4";
constexpr std::size_t bucket_size = 26;

}  // namespace

// Which keys it was that were removed is not kept, only the newest of each bucket; nor whom what is
// in doubt was to be compared with.
std::string write_memory(ClusterContext& context) {
    drop_what_is_in_doubt(context);
    lib::ByteBuffer out;
    WireWriter writer(out);
    writer.bytes(mark).u8(context.members.live_others() == 0 ? 1 : 0).u64(context.era);
    for (unsigned i = 0; i < context.shard_count(); ++i) {
        context.with_shard(i, [&](storage::Shard&) {
            auto& tracking = context.tracking(i);
            tracking.log.rewind();
            while (!tracking.fold_into_buckets(4096)) {
            }
            auto& buckets = tracking.buckets;
            auto& removals = context.sink.removals(i);
            removals.visit([&](std::uint64_t hash, storage::Version version, LogPlace place) {
                if (place == nowhere_yet) buckets.raise_floor(storage::bucket_of(hash), version);
            });
            removals.forget([](LogPlace) { return true; });
            for (std::size_t b = buckets.first(); b <= buckets.last(); ++b) {
                const auto bucket = static_cast<storage::BucketNumber>(b);
                buckets.raise_floor(bucket, removals.take_untold(bucket));
                const auto untold = buckets.floor(bucket);
                const auto ever = std::max(removals.ever(bucket), untold);
                const auto heard = removals.ever_heard(bucket);
                if (std::max(ever, heard) != 0) writer.u16(bucket).u64(ever).u64(untold).u64(heard);
            }
        });
    }
    return std::string(out.readable());
}

bool is_memory(std::string_view bytes) noexcept {
    return bytes.starts_with(family);
}

std::optional<ClusterMemory> read_memory(std::string_view bytes, ClusterContext& context) {
    WireReader head(bytes);
    if (head.bytes(mark.size()) != mark) return std::nullopt;
    ClusterMemory memory;
    memory.was_alone = head.u8() != 0;
    memory.era = head.u64();
    if (head.failed() || head.remaining() % bucket_size != 0) return std::nullopt;
    const auto entries = head.bytes(head.remaining());
    for (WireReader in(entries); in.remaining() > 0;) {
        in.u16();
        const auto ever = in.u64();
        if (!context.admits(ever) || in.u64() > ever || !context.admits(in.u64()))
            return std::nullopt;
    }
    for (WireReader in(entries); in.remaining() > 0;) {
        const storage::BucketNumber bucket = in.u16();
        const auto ever = in.u64();
        const auto untold = in.u64();
        const auto heard = in.u64();
        const auto number = context.store->shard_of_bucket(bucket);
        context.with_shard(number, [&](storage::Shard&) {
            auto& removals = context.sink.removals(number);
            removals.raise_ever(bucket, ever);
            removals.raise_vouched(bucket, ever);
            removals.raise_heard(bucket, heard);
            context.tracking(number).buckets.raise_floor(bucket, untold);
        });
    }
    return memory;
}

}  // namespace twincached::replication::nats
