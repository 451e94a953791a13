// A peer that has proved itself and misbehaves: frames out of place, pieces that do not fit, and
// what is not what it says. Each ends the session; what was there before stays as it was.
#include "replication/changes/change_sink.hpp"
#include "replication/pair/exchange/exchange.hpp"
#include "replication/records/data_frames.hpp"
#include "storage/store.hpp"

#include <catch2/catch.hpp>

#include <algorithm>
#include <array>
#include <functional>
#include <string>

using namespace twincached;
using namespace twincached::replication;
using namespace twincached::replication::pair;

namespace {

constexpr std::uint32_t large = 400'000;  // travels in pieces
constexpr std::uint32_t half = large / 2;

// One node, and a peer whose every frame a test writes.
struct Victim {
    Victim() { begin({}); }

    // A session with a peer that says this of itself.
    void begin(const std::function<void(Standing&)>& change) {
        Standing peer;
        peer.epoch = next_epoch++;
        peer.steady_ms = now.steady_ms;
        peer.version_ms = now.version_ms;
        peer.version_time = now.version_ms;
        peer.capabilities = capability_digests;
        if (change) change(peer);
        exchange.attach(store);
        exchange.begin(peer, now);
        sequence = 0;
    }
    static storage::StoreOptions options() {
        auto options = storage::default_store_options();
        options.node = 1;
        options.shards = 1;
        options.memory_limit_bytes = 16U << 20;
        return options;
    }
    bool accepts(const lib::ByteBuffer& out) {
        const auto read = read_frame(out.readable());
        REQUIRE(read.status == FrameStatus::complete);
        return exchange.on_frame(read.frame, now);
    }
    bool accepts_batch(std::uint64_t seq, std::string_view key = "small") {
        lib::ByteBuffer out;
        BatchWriter batch(out, seq, 0, now.steady_ms);
        WireRecord record;
        record.key = key;
        record.value = "value";
        record.version = now.version_ms << 13;
        batch.add(record);
        batch.finish();
        return accepts(out);
    }
    // The piece of the value of `large` bytes that begins at `offset`; `spoil` may change it.
    bool accepts_piece(std::uint64_t seq, std::uint64_t offset,
                       const std::function<void(Segment&)>& spoil = {}) {
        const std::string piece(half, 'x');
        Segment segment;
        segment.sender_now_ms = now.steady_ms;
        segment.offset = offset;
        segment.total = large;
        segment.record.key = "large";
        segment.record.value = piece;
        segment.record.version = now.version_ms << 13;
        if (spoil) spoil(segment);
        lib::ByteBuffer out;
        write_frame(out, seq, segment);
        return accepts(out);
    }
    bool accepts_list(const BucketItem& item, storage::BucketNumber bucket,
                      storage::Version floor = 0) {
        lib::ByteBuffer out;
        write_list(out, {FrameType::list, ++sequence, bucket, floor}, std::array{item});
        return accepts(out);
    }
    std::string produced() {
        lib::ByteBuffer out;
        while (exchange.produce(out, 1U << 20, now) > 0) {
        }
        return std::string(out.readable());
    }
    // How many items it asks the peer for now.
    std::size_t wanted() {
        const auto said = produced();
        std::size_t count = 0;
        for (std::string_view rest = said; !rest.empty();) {
            const auto read = read_frame(rest);
            REQUIRE(read.status == FrameStatus::complete);
            if (read.frame.type == FrameType::ack) count += AckReader(read.frame.payload).size();
            rest.remove_prefix(read.size);
        }
        return count;
    }
    bool has(std::string_view key) {
        bool found = false;
        store.get(store.key(key), now, [&](const storage::ItemView&) { found = true; });
        return found;
    }
    storage::Version set(std::string_view key) {
        ++now.version_ms;
        ++now.steady_ms;
        storage::Write write;
        write.value = "value";
        store.write(store.key(key), now, write);
        storage::Version version = 0;
        store.with_shard(0, [&](storage::Shard& shard) {
            shard.peek(store.key(key), now,
                       [&](const storage::ItemView& item) { version = item.version; });
        });
        return version;
    }

    storage::Now now{.steady_ms = 10'000, .version_ms = 1'000'000};
    std::uint64_t next_epoch = 77;
    std::uint64_t sequence = 0;
    lib::KeyedHash hash;
    ChangeSink sink{1, 1U << 20};
    storage::Store store{options(), hash, sink};
    Exchange exchange{sink, {.epoch = 12, .node = 1}};
};

}  // namespace

TEST_CASE("numbered frames come one after the other, none twice and none left out") {
    for (const std::uint64_t wrong : {0U, 1U, 3U, 4U}) {
        Victim node;
        REQUIRE(node.accepts_batch(1));
        INFO("second frame numbered " << wrong);
        if (wrong != 0) CHECK_FALSE(node.accepts_batch(wrong));
        CHECK(node.accepts_batch(2));  // which is as it should have been
    }
}

TEST_CASE("the pieces of a large value come one after the other, with nothing between them") {
    Victim node;
    REQUIRE(node.accepts_piece(1, 0));
    CHECK_FALSE(node.has("large"));
    REQUIRE(node.accepts_piece(2, half));
    CHECK(node.has("large"));

    Victim interrupted;
    REQUIRE(interrupted.accepts_piece(1, 0));
    CHECK_FALSE(interrupted.accepts_batch(2));
    lib::ByteBuffer flush;
    write_frame(flush, 2, Flush{interrupted.now.version_ms << 13});
    CHECK_FALSE(interrupted.accepts(flush));
    lib::ByteBuffer list;
    write_list(list, {FrameType::list, 2, 7, 0}, {});
    CHECK_FALSE(interrupted.accepts(list));
    CHECK_FALSE(interrupted.has("small"));
    CHECK(interrupted.accepts_piece(2, half));
}

TEST_CASE("a piece that does not go on where the last one ended is refused") {
    struct Case {
        const char* what;
        std::function<void(Segment&)> spoil;
    };
    const std::string shorter(half - 1, 'x');
    const std::array cases = {
        Case{"the first once more", [](Segment& piece) { piece.offset = 0; }},
        Case{"an overlap", [](Segment& piece) { piece.offset = half - 1; }},
        Case{"a gap",
             [&](Segment& piece) {
                 piece.offset = half + 1;
                 piece.record.value = shorter;
             }},
        Case{"another key", [](Segment& piece) { piece.record.key = "other"; }},
        Case{"another version", [](Segment& piece) { ++piece.record.version; }},
        Case{"another length", [](Segment& piece) { ++piece.total; }},
        Case{"beyond the end", [](Segment& piece) { piece.total = large - 1; }},
    };
    for (const auto& [what, spoil] : cases) {
        INFO(what);
        Victim node;
        REQUIRE(node.accepts_piece(1, 0));
        CHECK_FALSE(node.accepts_piece(2, half, spoil));
        CHECK_FALSE(node.has("large"));
        CHECK_FALSE(node.has("other"));
    }
}

TEST_CASE("a value begins with its first piece, and only large ones come in pieces") {
    Victim node;
    CHECK_FALSE(node.accepts_piece(1, half));
    CHECK_FALSE(node.accepts_piece(1, 0, [](Segment& piece) {
        piece.record.value = "small";
        piece.total = 10;
    }));
    CHECK(node.accepts_piece(1, 0));
}

TEST_CASE("a list of items that its bucket cannot hold is refused") {
    Victim node;
    const std::uint64_t hash = node.store.key("key").hash;
    const auto bucket = storage::bucket_of(hash);
    const auto version = node.now.version_ms << 13;
    CHECK(node.accepts_list({hash, version}, bucket));
    Victim other;
    CHECK_FALSE(
        other.accepts_list({hash, version}, static_cast<storage::BucketNumber>(bucket ^ 1)));
    Victim third;
    CHECK_FALSE(third.accepts_list({hash, 0}, bucket));
}

TEST_CASE("what was removed here at a later version than the peer lists is not asked for") {
    Victim node;
    (void)node.set("key");
    const auto key = node.store.key("key");
    const auto bucket = storage::bucket_of(key.hash);
    (void)node.store.remove(key, node.now, {});  // all is dirty yet: what is known of it is a floor
    const auto floor = node.sink.shard(0).buckets.floor(bucket);
    REQUIRE(floor != 0);
    REQUIRE_FALSE(node.has("key"));
    for (const int off : {-1, 0, 1}) {
        INFO("listed " << off << " above the version that was removed");
        const auto version = floor + static_cast<storage::Version>(off);
        REQUIRE(node.accepts_list({key.hash, version}, bucket));
        CHECK(node.wanted() == (off > 0 ? 1U : 0U));
    }
}

TEST_CASE("a node says how many frames of the last session it has sent, to the frame") {
    Victim node;
    node.set("key");
    std::uint64_t last = 0;
    const auto said = node.produced();
    for (std::string_view rest = said; !rest.empty();) {
        const auto read = read_frame(rest);
        REQUIRE(read.status == FrameStatus::complete);
        last = std::max(last, read.frame.seq);
        rest.remove_prefix(read.size);
    }
    REQUIRE(last > 0);
    node.exchange.end();
    CHECK(node.exchange.standing(node.now).past.sent == last);
}

TEST_CASE("what the peer may have removed at the very version of ours stays here") {
    Victim node;
    const auto version = node.set("key");
    const auto key = node.store.key("key");
    const auto bucket = storage::bucket_of(key.hash);
    // The floor is the newest that the peer no longer has: ours is newer only above it.
    lib::ByteBuffer at_floor;
    write_list(at_floor, {FrameType::list, 1, bucket, version}, {});
    REQUIRE(node.accepts(at_floor));
    CHECK(node.has("key"));
    lib::ByteBuffer above;
    write_list(above, {FrameType::list, 2, bucket, version + 1}, {});
    REQUIRE(node.accepts(above));
    CHECK_FALSE(node.has("key"));
}

TEST_CASE("R14b: a schedule that the peer's HELLO does not know is told to it, the same is not") {
    for (const bool knows : {false, true}) {
        Victim node;
        node.exchange.end();
        node.store.schedule_flush(node.now.steady_ms + 5000, node.now);
        const auto ours = node.store.flush_schedule().version;
        REQUIRE(ours != 0);
        (void)node.sink.take_schedule_news();  // told to a session that was lost
        node.begin([&](Standing& peer) {
            peer.schedule_version = knows ? ours : 0;
            peer.schedule_at_ms = knows ? node.now.steady_ms + 5000 : 0;
        });
        const auto said = node.produced();
        bool told = false;
        for (std::string_view rest = said; !rest.empty();) {
            const auto read = read_frame(rest);
            REQUIRE(read.status == FrameStatus::complete);
            told = told || read.frame.type == FrameType::schedule;
            rest.remove_prefix(read.size);
        }
        CHECK(told == !knows);
    }
}

TEST_CASE("a bucket that has changed since its digest was told raises no false alarm") {
    Victim node;
    const auto version = node.set("key");
    const auto key = node.store.key("key");
    lib::ByteBuffer list;
    write_list(list, {FrameType::scrub_list, 0, storage::bucket_of(key.hash), 0},
               std::array{BucketItem{key.hash, version - 1}});
    REQUIRE(node.accepts(list));
    CHECK(node.exchange.stats()[ExchangeCounter::scrub_defects] == 0);
}

TEST_CASE("what is listed is asked for if it is newer than what is here, and than the last flush") {
    Victim node;
    const auto held = node.set("here");
    const auto here = node.store.key("here");
    (void)node.store.flush(node.now);
    const auto flushed = node.store.flush_version();
    (void)node.set("here");
    REQUIRE(held < flushed);
    const auto again = node.set("here");
    const auto gone = node.store.key("gone");
    for (const int off : {-1, 0, 1}) {
        INFO(off << " above");
        const auto by = static_cast<storage::Version>(off);
        REQUIRE(node.accepts_list({here.hash, again + by}, storage::bucket_of(here.hash)));
        CHECK(node.wanted() == (off > 0 ? 1U : 0U));
        REQUIRE(node.accepts_list({gone.hash, flushed + by}, storage::bucket_of(gone.hash)));
        CHECK(node.wanted() == (off > 0 ? 1U : 0U));
    }
}

TEST_CASE("a node that evicts asks for what is newer than the split, or than what it holds") {
    Victim node;
    const auto split = node.exchange.acquaintance().split();
    const auto gone = node.store.key("gone");
    const auto wants = [&](const storage::Key& key, storage::Version version) {
        REQUIRE(node.accepts_list({key.hash, version}, storage::bucket_of(key.hash)));
        return node.wanted() == 1;
    };
    CHECK(wants(gone, split - 1));
    node.sink.shard(0).counters.add(TrackingCounter::evictions);
    CHECK_FALSE(wants(gone, split - 1));
    CHECK_FALSE(wants(gone, split));
    CHECK(wants(gone, split + 1));
    storage::Record old;
    old.key = node.store.key("old");
    old.version = split / 2;
    old.value = "value";
    REQUIRE(node.store.apply(old, node.now) == storage::ApplyOutcome::applied);
    CHECK_FALSE(wants(old.key, split / 2));
    CHECK(wants(old.key, split / 2 + 1));
}

TEST_CASE(
    "a value above this node's limit is not kept, takes the older one along, and is counted") {
    constexpr std::uint32_t total = 6 * half;  // more than a mebibyte
    Victim node;
    (void)node.set("large");
    const auto newer = (node.now.version_ms + 1) << 23;
    for (std::uint64_t piece = 0; piece < 6; ++piece) {
        REQUIRE(node.accepts_piece(piece + 1, piece * half, [&](Segment& segment) {
            segment.total = total;
            segment.record.version = newer;
        }));
    }
    CHECK_FALSE(node.has("large"));
    CHECK(node.exchange.stats()[ExchangeCounter::apply_nomem] == 1);
}

TEST_CASE("R14b: a schedule moves to this node's clock, and one that was called off has no time") {
    for (const std::uint64_t in_ms : {std::uint64_t{0}, std::uint64_t{5000}}) {
        for (const bool in_hello : {true, false}) {
            INFO((in_hello ? "in HELLO, " : "in a frame, ") << in_ms << " ms from now");
            Victim node;
            node.exchange.end();
            const std::uint64_t their_ms = node.now.steady_ms + 70'000;
            const auto version = node.now.version_ms << 23;
            const auto at_ms = in_ms == 0 ? 0 : their_ms + in_ms;
            node.begin([&](Standing& peer) {
                peer.steady_ms = their_ms;
                peer.schedule_version = in_hello ? version : 0;
                peer.schedule_at_ms = in_hello ? at_ms : 0;
            });
            lib::ByteBuffer out;
            write_frame(out, 1, Schedule{their_ms, at_ms, version});
            if (!in_hello) REQUIRE(node.accepts(out));
            const auto ours = node.store.flush_schedule();
            CHECK(ours.version == version);
            CHECK(ours.at_steady_ms == (in_ms == 0 ? 0 : node.now.steady_ms + in_ms));
        }
    }
}

TEST_CASE(
    "a list of a scrub with a hash of another bucket, or a version out of any clock, is refused") {
    const auto takes = [](storage::BucketNumber off, storage::Version version) {
        Victim node;
        const auto hash = node.store.key("key").hash;
        const auto bucket = static_cast<storage::BucketNumber>(storage::bucket_of(hash) ^ off);
        lib::ByteBuffer list;
        write_list(list, {FrameType::scrub_list, 0, bucket, 0},
                   std::array{BucketItem{hash, version}});
        return node.accepts(list);
    };
    constexpr storage::Version sane = storage::Version{1'000'000} << 23;
    CHECK(takes(0, sane));
    CHECK_FALSE(takes(1, sane));
    CHECK_FALSE(takes(0, 0x7FF));  // the CAS unique 0
    CHECK_FALSE(takes(0, ~storage::Version{0}));
}
