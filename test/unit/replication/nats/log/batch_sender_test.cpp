#include "replication/nats/log/batch_sender.hpp"

#include "lib/byte_buffer.hpp"
#include "replication/records/data_frames.hpp"
#include "test/unit/replication/nats/cluster_room.hpp"

#include <catch2/catch.hpp>

#include <optional>
#include <string>

using namespace twincached;
using namespace twincached::replication;
using namespace twincached::replication::nats;

namespace {

struct Room : ClusterRoom {
    BatchSender sender{context};

    // The only record of the next message.
    struct Said {
        RecordKind kind;
        std::string value;
    };
    std::optional<Said> say() {
        lib::ByteBuffer out;
        if (!sender.make(out)) return std::nullopt;
        const auto read = read_frame(out.readable());
        REQUIRE(read.status == FrameStatus::complete);
        BatchReader batch(read.frame.payload);
        WireRecord record;
        REQUIRE(batch.next(record));
        Said said{record.kind, std::string(record.value)};
        REQUIRE_FALSE(batch.next(record));
        REQUIRE(batch.complete());
        return said;
    }
    // Something that all know, and its touch, which they do not.
    void touch_what_is_known() {
        set("key", "value");
        REQUIRE(say());
        sender.on_told(1);
        now.version_ms += 1;
        (void)store.touch(store.key("key"), now, storage::Expiry::at(now.tick() + 100));
    }
};

}  // namespace

TEST_CASE("a touch is told with its value, for whoever lacks the item") {
    Room room;
    room.touch_what_is_known();
    const auto said = room.say();
    REQUIRE(said);
    CHECK(said->kind == RecordKind::item);
    CHECK(said->value == "value");
}

TEST_CASE("a touch of what is being compared is told without its value, which may be removed") {
    Room room;
    room.touch_what_is_known();
    room.buckets().mark_dirty(room.bucket_of("key"));
    room.buckets().begin_walk(room.bucket_of("key"), 1);
    const auto said = room.say();
    REQUIRE(said);
    CHECK(said->kind == RecordKind::touch);
    CHECK(said->value.empty());
}

TEST_CASE("a write of what is being compared is told with its value") {
    Room room;
    room.set("key", "value");
    room.buckets().mark_dirty(room.bucket_of("key"));
    room.buckets().begin_walk(room.bucket_of("key"), 1);
    const auto said = room.say();
    REQUIRE(said);
    CHECK(said->kind == RecordKind::item);
    CHECK(said->value == "value");
}

// With its value it might come back to who has removed it; without it is of no use to who will read
// of the write later.
TEST_CASE("a touch of what another site wrote, and is being compared, is left to the comparison") {
    Room room;
    room.options.streams = {"here", "there"};
    storage::Record record;
    record.key = room.store.key("key");
    record.value = "value";
    record.version = storage::Version{1} << 40 | 1U << 11;
    REQUIRE(storage::node_of(record.version) == 1);
    REQUIRE(room.store.apply(record, room.now) == storage::ApplyOutcome::applied);
    const auto bucket = room.bucket_of("key");
    room.buckets().mark_dirty(bucket);
    room.buckets().begin_walk(bucket, 1);
    (void)room.store.touch(room.store.key("key"), room.now,
                           storage::Expiry::at(room.now.tick() + 100));
    REQUIRE_FALSE(room.tracking().log.empty());
    CHECK_FALSE(room.say());
    CHECK(room.buckets().is_dirty(bucket));
    CHECK(room.tracking().log.empty());
}
