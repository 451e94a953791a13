#include "replication/nats/log/record_applier.hpp"

#include "lib/byte_buffer.hpp"
#include "lib/hash.hpp"
#include "replication/nats/cluster_options.hpp"
#include "replication/records/data_frames.hpp"
#include "storage/store.hpp"

#include <catch2/catch.hpp>

#include <optional>
#include <string_view>

using namespace twincached;
using namespace twincached::replication;
using namespace twincached::replication::nats;

namespace {

constexpr storage::Version written = storage::Version{1} << 40;
constexpr storage::Version touched = written | 4 | 1;

struct Room {
    ClusterOptions options;
    ClusterSink sink{1, 1U << 20};
    storage::Now now;
    storage::Store store{store_options(), lib::KeyedHash("secret"), sink};
    ClusterContext context{
        .options = options, .sink = sink, .now = now, .members = MemberTable({}, 0)};
    RecordApplier applier{context};
    std::optional<ArrivingValue> arriving;

    Room() {
        now.steady_ms = 1000;
        now.version_ms = 1ULL << 30;
        context.store = &store;
        for (std::size_t b = 0; b < storage::bucket_count; ++b)
            sink.changes().shard(0).buckets.restore(static_cast<storage::BucketNumber>(b), 0,
                                                    false);
    }
    static storage::StoreOptions store_options() {
        auto options = storage::default_store_options();
        options.shards = 1;
        options.memory_limit_bytes = 16U << 20;
        return options;
    }

    void apply(RecordKind kind, storage::Version version, std::string_view value) {
        lib::ByteBuffer out;
        BatchWriter batch(out, 1, std::uint16_t{0}, 0);
        WireRecord record;
        record.kind = kind;
        record.version = version;
        record.key = "key";
        record.value = value;
        batch.add(record);
        batch.finish();
        const auto read = read_frame(out.readable());
        REQUIRE(read.status == FrameStatus::complete);
        REQUIRE(applier.apply(read.frame, {own_stream, 1}, arriving));
    }
    Buckets& buckets() { return sink.changes().shard(0).buckets; }
    storage::BucketNumber bucket() { return storage::bucket_of(store.key("key").hash); }
    storage::Version held() {
        storage::Version version = 0;
        store.peek(store.key("key"), now,
                   [&](const storage::ItemView& item) { version = item.version; });
        return version;
    }
};

}  // namespace

TEST_CASE("a touch of an item that is being asked for has its bucket compared once more") {
    Room room;
    room.buckets().mark_dirty(room.bucket());
    room.buckets().begin_walk(room.bucket(), 1);
    room.apply(RecordKind::touch, touched, {});
    CHECK(room.buckets().is_dirty(room.bucket()));
    room.buckets().end_walk(room.bucket());
    // The answer, which was given before the touch was read.
    room.apply(RecordKind::item, written, "value");
    CHECK(room.held() == written);
    CHECK(room.buckets().is_dirty(room.bucket()));
}

TEST_CASE("a touch of what is lacking elsewhere leaves nothing to be compared") {
    Room room;
    room.apply(RecordKind::touch, touched, {});
    CHECK_FALSE(room.buckets().is_dirty(room.bucket()));
    room.apply(RecordKind::item, written, "value");
    CHECK(room.held() == written);
    room.apply(RecordKind::touch, touched, {});
    CHECK(room.held() == touched);
}

TEST_CASE("a touch of another write takes the older one with it") {
    Room room;
    room.apply(RecordKind::item, written, "value");
    room.apply(RecordKind::touch, touched + (storage::Version{1} << 20), {});
    CHECK(room.held() == 0);
}
