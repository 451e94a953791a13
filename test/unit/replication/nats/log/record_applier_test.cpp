#include "replication/nats/log/record_applier.hpp"

#include "lib/byte_buffer.hpp"
#include "replication/records/data_frames.hpp"
#include "test/unit/replication/nats/cluster_room.hpp"

#include <catch2/catch.hpp>

#include <array>
#include <optional>
#include <string_view>

using namespace twincached;
using namespace twincached::replication;
using namespace twincached::replication::nats;

namespace {

constexpr storage::Version written = storage::Version{1} << 40;
constexpr storage::Version touched = written | 4 | 1;

struct Room : ClusterRoom {
    RecordApplier applier{context};
    std::optional<ArrivingValue> arriving;

    void apply(RecordKind kind, storage::Version version, std::string_view value,
               bool is_cold = false) {
        lib::ByteBuffer out;
        BatchWriter batch(out, 1, std::uint16_t{0}, 0);
        WireRecord record;
        record.kind = kind;
        record.version = version;
        record.key = "key";
        record.value = value;
        record.cold = is_cold;
        batch.add(record);
        batch.finish();
        const auto read = read_frame(out.readable());
        REQUIRE(read.status == FrameStatus::complete);
        REQUIRE(applier.apply(read.frame, {own_stream, 1}, arriving));
    }
};

}  // namespace

TEST_CASE("a touch of an item that is being asked for has its bucket compared once more") {
    Room room;
    room.buckets().mark_dirty(room.bucket_of("key"));
    room.buckets().begin_walk(room.bucket_of("key"), 1);
    room.apply(RecordKind::touch, touched, {});
    CHECK(room.buckets().is_dirty(room.bucket_of("key")));
    room.buckets().end_walk(room.bucket_of("key"));
    // The answer, which was given before the touch was read.
    room.apply(RecordKind::item, written, "value");
    CHECK(room.held("key") == written);
    CHECK(room.buckets().is_dirty(room.bucket_of("key")));
}

TEST_CASE("a touch of what is lacking elsewhere leaves nothing to be compared") {
    Room room;
    room.apply(RecordKind::touch, touched, {});
    CHECK_FALSE(room.buckets().is_dirty(room.bucket_of("key")));
    room.apply(RecordKind::item, written, "value");
    CHECK(room.held("key") == written);
    room.apply(RecordKind::touch, touched, {});
    CHECK(room.held("key") == touched);
}

TEST_CASE("a touch of another write takes the older one with it") {
    Room room;
    room.apply(RecordKind::item, written, "value");
    room.apply(RecordKind::touch, touched + (storage::Version{1} << 20), {});
    CHECK(room.held("key") == 0);
}

TEST_CASE("who gives an item without a touch that is known elsewhere is told of the touch") {
    Room room;
    const auto untold = [&] { return room.tracking().log.find(room.store.key("key")); };
    room.apply(RecordKind::item, touched, "value");
    room.apply(RecordKind::item, written, "value");
    CHECK_FALSE(untold());
    room.apply(RecordKind::item, written, "value", true);
    REQUIRE(untold());
    CHECK(untold().entry->wanted);
    CHECK(untold().entry->version == touched);
    CHECK(room.held("key") == touched);
}

TEST_CASE("who gives what has been written anew meanwhile is told of nothing") {
    Room room;
    room.apply(RecordKind::item, touched + (storage::Version{1} << 20), "newer");
    room.apply(RecordKind::item, written, "value", true);
    CHECK_FALSE(room.tracking().log.find(room.store.key("key")));
}

TEST_CASE("what is refused for its bucket alone is compared, or refused for all by a reference") {
    Room room;
    const auto bucket = room.bucket_of("key");
    const auto hash = room.store.key("key").hash;
    if (GENERATE(false, true)) {
        room.sink.removals(0).raise_removed(bucket, written + 0x800);
    } else {
        room.buckets().raise_floor(bucket, written + 0x800);  // this node's own, untold
    }
    room.context.is_reference = GENERATE(false, true);
    bool is_other_in_step = false;
    SECTION("nobody else is in step") {}
    SECTION("another is, and may hold it") {
        Member member;
        member.is_known = member.is_in_step = is_other_in_step = true;
        room.context.members.replace(1, member);
    }
    room.apply(RecordKind::item, written, "value");
    CHECK(room.held("key") == 0);
    const bool is_for_all = room.context.is_reference && !is_other_in_step;
    CHECK(room.buckets().is_dirty(bucket) == !is_for_all);
    CHECK((room.sink.removals(0).exact(hash) > written) == is_for_all);
    CHECK(bool(room.tracking().log.find(room.store.key("key"))) == is_for_all);
}

TEST_CASE("what is refused while its bucket is compared lets in nothing older that a donor gives") {
    Room room;
    const auto bucket = room.bucket_of("key");
    auto& removals = room.sink.removals(0);
    removals.raise_evicted(bucket, written + 0x2000);
    room.buckets().mark_dirty(bucket);
    room.buckets().begin_walk(bucket, 1);
    removals.begin_comparing(bucket);
    room.apply(RecordKind::item, written + 0x1000, "newer");
    REQUIRE(room.held("key") == 0);
    room.sink.set_taking_from_donor(true);
    room.apply(RecordKind::item, written, "older");
    CHECK(room.held("key") == 0);
    room.apply(RecordKind::item, written + 0x1000, "newer");
    CHECK(room.held("key") == written + 0x1000);
}

// As a floor of its bucket it would take whatever is older, and not held here, from everybody.
TEST_CASE("who tells again what is known to be removed is told of that key alone") {
    Room room;
    const auto hash = room.store.key("key").hash;
    auto& removals = room.sink.removals(0);
    removals.note(hash, written + 1, {own_stream, 1});
    const bool is_compared = GENERATE(false, true);
    if (is_compared) room.buckets().mark_dirty(room.bucket_of("key"));
    for (int i = 0; i < 2; ++i)
        room.apply(RecordKind::item, written, "value", true);
    CHECK(room.held("key") == 0);
    CHECK(room.buckets().floor(room.bucket_of("key")) == 0);
    CHECK(bool(room.tracking().log.find(room.store.key("key"))) == !is_compared);
    CHECK(removals.is_nowhere(hash) == is_compared);
    REQUIRE(room.context.untold.has_next() == is_compared);
    if (!is_compared) return;
    CHECK(room.context.untold.next() == hash);
    room.context.untold.send_next();
    CHECK_FALSE(room.context.untold.has_next());
}

TEST_CASE("a removal that is not remembered by its key is told as a floor of its bucket") {
    Room room;
    room.buckets().mark_dirty(room.bucket_of("key"));
    room.context.tell_kept_removal(0, room.store.key("key"), written);
    CHECK(room.context.untold.empty());
    CHECK(room.buckets().floor(room.bucket_of("key")) == written);
}

TEST_CASE("what another tells again as removed is removed here, unless it is newer") {
    Room room;
    room.apply(RecordKind::item, written, "value");
    const auto hash = room.store.key("key").hash;
    const auto told = GENERATE(as<storage::Version>{}, written, written + 1);
    lib::ByteBuffer out;
    write_removed(out, 1, std::array{BucketItem{hash, told}, BucketItem{hash + 1, 50}});
    const auto read = read_frame(out.readable());
    REQUIRE(room.applier.apply(read.frame, {own_stream, 2}, room.arriving));
    CHECK(room.held("key") == (told > written ? 0 : written));
    CHECK(room.sink.removals(0).exact(hash) == told);
    CHECK(room.sink.removals(0).exact(hash + 1) == 50);
    // What was removed comes back no more.
    room.apply(RecordKind::item, written, "value");
    CHECK(room.held("key") == (told > written ? 0 : written));
}

TEST_CASE("a removal from a time that is not to be believed is refused") {
    Room room;
    lib::ByteBuffer out;
    write_removed(out, 1, std::array{BucketItem{1, ~storage::Version{0}}});
    const auto read = read_frame(out.readable());
    CHECK_FALSE(room.applier.apply(read.frame, {own_stream, 2}, room.arriving));
    CHECK(room.sink.removals(0).exact(1) == 0);
}
