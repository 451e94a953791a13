#include "replication/changes/shard_tracking.hpp"

#include "lib/hash.hpp"
#include "test/support/failing_allocations.hpp"

#include <catch2/catch.hpp>

#include <array>
#include <string>
#include <vector>

using namespace twincached;
using replication::ShardTracking;
using storage::Cause;
using storage::Version;

namespace {

// A shard with all buckets, which the test makes clean one by one.
struct Fixture {
    explicit Fixture(std::size_t log_bytes = 1U << 16)
        : tracking(0, storage::bucket_count, log_bytes) {}

    static storage::Key key(const std::string& bytes) {
        static const lib::KeyedHash hash("test");
        return storage::Key::of(bytes, hash);
    }
    storage::BucketNumber bucket(const std::string& bytes) {
        return storage::bucket_of(key(bytes).hash);
    }
    void make_clean(const std::string& bytes) {
        tracking.buckets.begin_walk(bucket(bytes), 1);
        tracking.buckets.end_walk(bucket(bytes));
    }
    auto change(const std::string& bytes, Version before, Version after, Cause cause,
                Version version) {
        return tracking.on_change({key(bytes), before, after, version, cause});
    }
    auto write(const std::string& bytes, Version before, Version after) {
        return change(bytes, before, after, Cause::local_write, after);
    }
    auto entry(const std::string& bytes) { return tracking.log.find(key(bytes)).entry; }
    Version floor(const std::string& bytes) { return tracking.buckets.floor(bucket(bytes)); }

    ShardTracking tracking;
};

constexpr Version v(std::uint64_t number) {
    return number << 13;
}

}  // namespace

TEST_CASE("R1: a change in a clean bucket enters the log, the next of the same key joins it") {
    Fixture f;
    f.make_clean("k");
    const auto position = f.write("k", 0, v(1));
    CHECK(position != 0);
    CHECK(f.write("k", v(1), v(2)) == position);
    REQUIRE(f.entry("k") != nullptr);
    CHECK(f.entry("k")->version == v(2));
    CHECK(f.tracking.log.entries() == 1);
}

TEST_CASE("R1: what a client's miss made for it alone has no version, and is told to nobody") {
    Fixture f;
    f.make_clean("k");
    CHECK(f.write("k", 0, 0) == 0);
    CHECK(f.entry("k") == nullptr);
    CHECK_FALSE(f.tracking.buckets.is_dirty(f.bucket("k")));
}

TEST_CASE("R1: a change in a dirty bucket leaves no entry, a delete raises the floor") {
    Fixture f;
    CHECK(f.write("k", 0, v(1)) == storage::Ticket::unconfirmable);
    CHECK(f.floor("k") == 0);
    CHECK(f.change("k", v(1), 0, Cause::local_delete, v(2)) == storage::Ticket::unconfirmable);
    CHECK(f.floor("k") == v(2));
    CHECK(f.tracking.log.empty());
}

TEST_CASE("R2: when the log is full its oldest entry makes its bucket dirty") {
    Fixture f(40);
    f.make_clean("a");
    f.make_clean("b");
    f.write("a", 0, v(1));
    f.change("a", v(1), 0, Cause::local_delete, v(2));
    f.write("b", 0, v(3));
    CHECK(f.tracking.buckets.is_dirty(f.bucket("a")));
    CHECK(f.floor("a") == v(2));
    CHECK(f.entry("a") == nullptr);
    CHECK(f.entry("b") != nullptr);
}

TEST_CASE("R2: an overflow of a key that is present leaves the floor as it is") {
    Fixture f(40);
    f.make_clean("a");
    f.make_clean("b");
    f.write("a", 0, v(1));
    f.write("b", 0, v(3));
    CHECK(f.tracking.buckets.is_dirty(f.bucket("a")));
    CHECK(f.floor("a") == 0);
}

TEST_CASE("R4: an absent key is known by its log entry and by its bucket's floor") {
    Fixture f;
    f.change("dirty", 0, 0, Cause::local_delete, v(5));
    CHECK(f.tracking.known_version(f.key("dirty"), false) == v(5));
    CHECK(f.tracking.known_version(f.key("dirty"), true) == 0);
    f.make_clean("clean");
    f.change("clean", 0, 0, Cause::local_delete, v(6));
    CHECK(f.tracking.known_version(f.key("clean"), true) == v(6));
}

TEST_CASE("R5: what is evicted or expires in a dirty bucket raises the floor") {
    Fixture f;
    f.change("k", v(3), 0, Cause::evicted, v(3));
    CHECK(f.floor("k") == v(3));
    f.change("k", v(4), 0, Cause::expired, v(4));
    CHECK(f.floor("k") == v(4));
}

TEST_CASE("R6: an eviction of a key with an entry changes nothing but that it is absent") {
    Fixture f;
    f.make_clean("k");
    f.write("k", 0, v(1));
    f.change("k", v(1), 0, Cause::evicted, v(1));
    REQUIRE(f.entry("k") != nullptr);
    CHECK_FALSE(f.entry("k")->present);
    CHECK(f.tracking.log.entries() == 1);
    CHECK(f.floor("k") == 0);
}

TEST_CASE("R7: an eviction in a bucket whose list is under way is logged") {
    Fixture f;
    f.tracking.buckets.begin_walk(f.bucket("k"), 1);
    f.change("k", v(1), 0, Cause::evicted, v(1));
    REQUIRE(f.entry("k") != nullptr);
    CHECK(f.entry("k")->version == v(1));
    CHECK_FALSE(f.entry("k")->present);
}

TEST_CASE("R7: an eviction in a clean bucket that is not walked is nobody's business") {
    Fixture f;
    f.make_clean("k");
    f.change("k", v(1), 0, Cause::evicted, v(1));
    CHECK(f.tracking.log.empty());
    CHECK(f.floor("k") == 0);
}

TEST_CASE("R7b: an eviction during a walk that no log can hold raises the floor") {
    Fixture f(8);
    f.tracking.buckets.begin_walk(f.bucket("k"), 1);
    f.change("k", v(1), 0, Cause::evicted, v(1));
    CHECK(f.tracking.buckets.is_dirty(f.bucket("k")));
    CHECK(f.floor("k") == v(1));
}

TEST_CASE("R8 and R10: the floor stays while the list is under way, and sinks with its ACK") {
    Fixture f;
    f.change("k", 0, 0, Cause::local_delete, v(1));
    f.tracking.buckets.begin_walk(f.bucket("k"), 1);
    CHECK_FALSE(f.tracking.buckets.is_dirty(f.bucket("k")));
    CHECK(f.floor("k") == v(1));
    f.tracking.buckets.end_walk(f.bucket("k"));
    CHECK(f.floor("k") == 0);
}

TEST_CASE("R10: the floor stays if the bucket became dirty again during the walk") {
    Fixture f;
    f.change("k", 0, 0, Cause::local_delete, v(1));
    f.tracking.buckets.begin_walk(f.bucket("k"), 1);
    f.tracking.buckets.mark_dirty(f.bucket("k"));
    f.tracking.buckets.end_walk(f.bucket("k"));
    CHECK(f.floor("k") == v(1));
}

TEST_CASE("R10: what the peer wants does not push out what it wanted before") {
    Fixture f(40);
    f.make_clean("a");
    f.make_clean("b");
    f.tracking.want(f.key("a"), v(1), 100);
    f.tracking.want(f.key("b"), v(1), 100);
    CHECK(f.entry("a") != nullptr);
    CHECK(f.entry("b") == nullptr);
    CHECK(f.tracking.buckets.is_dirty(f.bucket("b")));
    CHECK_FALSE(f.tracking.buckets.is_dirty(f.bucket("a")));
}

TEST_CASE("R11: a walk that was lost with its session leaves the bucket dirty") {
    Fixture f;
    f.tracking.buckets.begin_walk(f.bucket("k"), 1);
    f.tracking.buckets.abandon_walk(f.bucket("k"));
    CHECK(f.tracking.buckets.is_dirty(f.bucket("k")));
    CHECK(f.tracking.buckets.walking_count() == 0);
}

TEST_CASE("R12: folding the log keeps what it knew of deletes in the floors") {
    Fixture f;
    f.make_clean("k");
    f.change("k", 0, 0, Cause::local_delete, v(7));
    f.tracking.mark_all_dirty(0);
    const auto keep = [&](const replication::ChangeLog::Folded& removed) {
        f.tracking.keep_in_floor(removed);
    };
    while (!f.tracking.fold_some(1, keep)) {
    }
    CHECK(f.floor("k") == v(7));
    CHECK(f.tracking.log.empty());
    CHECK(f.tracking.buckets.dirty_count() == storage::bucket_count);
}

TEST_CASE("the peer's own changes and drops in doubt are not told back to it") {
    Fixture f;
    f.make_clean("k");
    f.change("k", 0, v(1), Cause::remote, v(1));
    f.change("k", v(1), 0, Cause::in_doubt, v(1));
    CHECK(f.tracking.log.empty());
    CHECK(f.floor("k") == 0);
}

TEST_CASE("the digest of a bucket depends on what it holds, not on how it came to it") {
    Fixture f;
    Fixture other;
    f.write("k", 0, v(1));
    f.write("k", v(1), v(2));
    other.change("k", 0, v(2), Cause::remote, v(2));
    CHECK(f.tracking.buckets.digest(f.bucket("k")) == other.tracking.buckets.digest(f.bucket("k")));
    CHECK(f.tracking.buckets.digest(f.bucket("k")) != 0);
    f.change("k", v(2), 0, Cause::evicted, v(2));
    CHECK(f.tracking.buckets.digest(f.bucket("k")) == 0);
}

TEST_CASE("hints of use are kept in their order, up to a limit, and what is lost is counted") {
    Fixture f;
    constexpr auto limit = replication::Hints::limit;
    const auto dropped = [&] {
        return f.tracking.counters.get(replication::TrackingCounter::hints_dropped);
    };
    for (std::uint64_t hash = 1; hash <= limit; ++hash)
        f.tracking.on_hint(hash);
    CHECK(dropped() == 0);
    f.tracking.on_hint(limit + 1);
    f.tracking.on_hint(limit + 2);
    CHECK(dropped() == 2);
    std::array<std::uint64_t, limit> taken{};
    REQUIRE(f.tracking.hints.take(taken) == limit);
    CHECK(taken.front() == 1);
    CHECK(taken.back() == limit);
    f.tracking.on_hint(7);
    REQUIRE(f.tracking.hints.take(taken) == 1);
    CHECK(taken.front() == 7);
    CHECK(dropped() == 2);
}

TEST_CASE("a key that too many others crowd makes its own bucket dirty, and no other") {
    Fixture f;
    f.make_clean("other");
    f.write("other", 0, v(1));
    const auto hash = Fixture::key("crowd").hash;
    f.make_clean("crowd");
    REQUIRE(f.bucket("other") != f.bucket("crowd"));
    const auto dirty = f.tracking.buckets.dirty_count();
    for (int i = 0; i < 40; ++i) {
        const auto name = "crowd " + std::to_string(i);
        f.tracking.on_change({{name, hash}, 0, v(2), v(2), Cause::local_write});
    }
    CHECK(f.tracking.buckets.is_dirty(f.bucket("crowd")));
    CHECK(f.tracking.buckets.dirty_count() == dirty + 1);
    CHECK(f.entry("other") != nullptr);
    CHECK(f.tracking.counters.get(replication::TrackingCounter::overflows) == 0);
}

TEST_CASE("a change that finds no memory to be noted in makes its bucket dirty") {
    std::vector<std::string> names;
    for (int i = 0; i < 400; ++i)
        names.push_back("key " + std::to_string(i) + std::string(200, 'k'));
    bool has_failed = true;
    for (std::uint64_t nth = 1; has_failed; ++nth) {
        const auto kind =
            GENERATE(FailingAllocations::Kind::once, FailingAllocations::Kind::from_then_on);
        Fixture f(1U << 18);
        for (const auto& name : names)
            f.make_clean(name);
        {
            const FailingAllocations failing(nth, kind);
            for (const auto& name : names)
                f.write(name, 0, v(1));
            has_failed = failing.has_failed();
        }
        for (const auto& name : names) {
            const bool is_noted = f.entry(name) != nullptr && f.entry(name)->version == v(1);
            REQUIRE((is_noted || f.tracking.buckets.is_dirty(f.bucket(name))));
        }
        if (nth == 1) CHECK(has_failed);
    }
}

TEST_CASE("R7: an eviction of a change that was sent during a walk is not told again") {
    Fixture f;
    f.tracking.buckets.begin_walk(f.bucket("k"), 1);
    f.write("k", 0, v(1));
    (void)f.tracking.log.mark_sent(f.tracking.log.next_unsent());
    f.change("k", v(1), 0, Cause::evicted, v(1));
    CHECK(f.tracking.log.entries() == 1);
    CHECK(f.tracking.log.unsent_entries() == 0);
}

TEST_CASE("R1: a touch that joins a write that was not told is told as the write") {
    Fixture f;
    f.make_clean("k");
    f.write("k", 0, v(1));
    f.write("k", v(1), v(1) + 4);  // touched: the same write
    CHECK_FALSE(f.entry("k")->touch_only);
    (void)f.tracking.log.mark_sent(f.tracking.log.next_unsent());
    f.write("k", v(1) + 4, v(1) + 8);
    CHECK(f.entry("k")->touch_only);
    f.write("k", v(1) + 8, v(2));
    CHECK_FALSE(f.entry("k")->touch_only);
}

TEST_CASE("R10: what is wanted is sent unless it is on its way as it is, whole") {
    Fixture f;
    f.make_clean("k");
    f.write("k", 0, v(2));
    (void)f.tracking.log.mark_sent(f.tracking.log.next_unsent());
    f.tracking.want(f.key("k"), v(2), 100);
    CHECK(f.tracking.log.unsent_entries() == 0);
    // The peer asks for what it was listed, which was older.
    f.tracking.want(f.key("k"), v(1), 100);
    CHECK(f.tracking.log.unsent_entries() == 1);
    CHECK(f.entry("k")->version == v(2));
    (void)f.tracking.log.mark_sent(f.tracking.log.next_unsent());
    f.write("k", v(2), v(2) + 4);
    (void)f.tracking.log.mark_sent(f.tracking.log.next_unsent());
    f.tracking.want(f.key("k"), v(2) + 4, 100);  // a touch may have gone out without its value
    CHECK(f.tracking.log.unsent_entries() == 1);
    CHECK_FALSE(f.entry("k")->touch_only);
}
