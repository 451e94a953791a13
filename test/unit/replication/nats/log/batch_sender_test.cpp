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

TEST_CASE("what is remembered as removed is told again, and stands where that is read") {
    Room room;
    auto& kept = room.sink.removals(0);
    const auto hash = room.store.key("gone").hash;
    kept.note(hash, 70, {own_stream, 9});
    kept.lose_places();
    room.context.untold.add(hash);
    lib::ByteBuffer out;
    room.buckets().mark_dirty(7);
    room.tracking().refresh_gauges();
    CHECK_FALSE(room.sender.has_work());  // before all is compared
    CHECK_FALSE(room.sender.make(out));
    room.buckets().forget();
    room.tracking().refresh_gauges();
    REQUIRE(room.sender.make(out));
    const auto read = read_frame(out.readable());
    REQUIRE(read.frame.type == FrameType::removed);
    const RemovedReader removed(read.frame.payload);
    REQUIRE(removed.size() == 1);
    CHECK(removed[0].hash == hash);
    CHECK(removed[0].version == 70);
    const auto place_of = [&] {
        LogPlace place;
        kept.visit([&](std::uint64_t, storage::Version, LogPlace at) { place = at; });
        return place;
    };
    CHECK(place_of() == nowhere_yet);
    SECTION("it was read") {
        room.sender.on_told(3);
        CHECK(room.context.untold.empty());
        CHECK(place_of() == LogPlace{own_stream, 3});
        CHECK_FALSE(room.sender.has_work());
    }
    SECTION("it was lost") {
        room.sender.on_lost();
        CHECK(room.sender.has_work());
        CHECK(place_of() == nowhere_yet);
    }
}

TEST_CASE("of what there was no room to remember until it was told again the bucket is told") {
    Room room;
    const auto hash = room.store.key("gone").hash;
    room.context.untold.add(hash);
    auto& kept = room.sink.removals(0);
    kept.note(hash, 70, nowhere_yet);
    for (std::uint64_t i = 0; kept.exact(hash) != 0; ++i)
        kept.note(i, 80, {own_stream, 1});
    lib::ByteBuffer out;
    CHECK_FALSE(room.sender.make(out));
    CHECK(room.context.untold.empty());
    CHECK(room.buckets().floor(room.bucket_of("gone")) == 70);
    CHECK(room.buckets().is_dirty(room.bucket_of("gone")));
}

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
