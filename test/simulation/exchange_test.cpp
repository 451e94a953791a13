// Single histories, step by step, on two real nodes: rules that concern both ends.
#include "replication/records/data_frames.hpp"
#include "test/simulation/history.hpp"
#include "test/simulation/sim_node.hpp"

#include <catch2/catch.hpp>

#include <array>
#include <memory>
#include <string>

using namespace twincached;
using namespace twincached::simulation;
using replication::Frame;
using replication::FrameType;
using replication::TrackingCounter;
using replication::pair::ExchangeCounter;
using replication::pair::Meeting;

namespace {

struct Pair {
    // `whole`: all buckets are walked, by digests where that pays.
    explicit Pair(bool whole_buckets = false) : whole(whole_buckets) {
        for (unsigned i = 0; i < 2; ++i)
            restart(i);
    }
    void restart(unsigned i) {
        NodeOptions options;
        options.number = i;
        options.epoch = ++epoch;
        // No bucket with this number holds a key of these tests: all others count as clean.
        options.used_buckets = {1};
        for (const char* key : {"a", "b", "large"}) {
            options.used_buckets.push_back(storage::bucket_of(hash(key)));
        }
        if (whole) {
            options.used_buckets.clear();
            options.digest_run = 64;
        }
        nodes[i].reset();
        nodes[i] = std::make_unique<SimNode>(options, hash, history);
    }
    void link() {
        const std::array hellos{nodes[0]->exchange().standing(now),
                                nodes[1]->exchange().standing(now)};
        const std::array meetings{nodes[0]->exchange().acquaintance().judge(hellos[1]),
                                  nodes[1]->exchange().acquaintance().judge(hellos[0])};
        for (unsigned i = 0; i < 2; ++i) {
            if (meetings[i] == Meeting::begin) continue;
            // One begins anew, the other lets it; then they call again.
            const unsigned anew = meetings[i] == Meeting::begin_anew ? i : 1 - i;
            REQUIRE(meetings[anew] == Meeting::begin_anew);
            nodes[anew]->exchange().forget(++epoch, now);
            history.on_crash(anew);
            return link();
        }
        nodes[0]->begin(hellos[1], now);
        nodes[1]->begin(hellos[0], now);
    }
    void cut() {
        for (auto& node : nodes) {
            node->exchange().end();
            node->forget_bytes();
        }
    }
    std::string sent_by(unsigned i, std::size_t budget = 1U << 20) {
        lib::ByteBuffer out;
        (void)nodes[i]->exchange().produce(out, budget, now);
        return std::string(out.readable());
    }
    void settle() {
        for (bool quiet = false; !quiet;) {
            quiet = true;
            for (unsigned i = 0; i < 2; ++i) {
                const auto bytes = sent_by(i);
                quiet = quiet && bytes.empty();
                REQUIRE(nodes[1 - i]->receive(bytes, now));
            }
        }
        for (auto& node : nodes)
            CHECK(node->exchange().drained());
    }
    void set(unsigned i, const std::string& key, const std::string& value,
             storage::Expiry expiry = storage::Expiry::never()) {
        auto& store = nodes[i]->store();
        storage::Write request;
        request.value = value;
        request.expiry = expiry;
        (void)store.write(store.key(key), now, request);
    }
    void remove(unsigned i, const std::string& key) {
        auto& store = nodes[i]->store();
        (void)store.remove(store.key(key), now, {});
    }
    // As clients read it, not as get() below looks.
    void use(unsigned i, const std::string& key) {
        auto& store = nodes[i]->store();
        (void)store.get(store.key(key), now, [](const storage::ItemView&) {});
    }
    // How long eviction would spare it.
    unsigned frequency(unsigned i, const std::string& key) {
        unsigned found = 0;
        auto& store = nodes[i]->store();
        const auto of = store.key(key).hash;
        store.with_shard(store.shard_of(of), [&](storage::Shard& shard) {
            shard.table().find_hash(of, [&](storage::Item& item) { found = item.frequency(); });
        });
        return found;
    }
    void tick() { now.steady_ms += replication::pair::Exchange::tick.count(); }
    std::string get(unsigned i, const std::string& key) {
        std::string value = "(none)";
        auto& store = nodes[i]->store();
        (void)store.peek(store.key(key), now,
                         [&](const storage::ItemView& item) { value = item.value; });
        return value;
    }

    auto stats(unsigned i) { return nodes[i]->exchange().stats(); }

    const bool whole;
    lib::KeyedHash hash{"exchange"};
    History history;
    storage::Now now{10'000, 1'000'000, 1'800'000'000};
    std::uint64_t epoch = 0;
    std::array<std::unique_ptr<SimNode>, 2> nodes;
};

}  // namespace

TEST_CASE("a write on either node is on both once the link has carried it") {
    Pair pair;
    pair.link();
    pair.set(0, "a", "1");
    pair.set(1, "b", "2");
    pair.settle();
    CHECK(pair.get(1, "a") == "1");
    CHECK(pair.get(0, "b") == "2");
    CHECK(pair.nodes[0]->digest() == pair.nodes[1]->digest());
}

TEST_CASE("R12: a node that returns empty is refilled, and the survivor loses nothing") {
    Pair pair;
    pair.link();
    pair.set(0, "a", "1");
    pair.set(1, "b", "2");
    pair.settle();
    pair.cut();
    pair.restart(1);
    pair.link();
    pair.settle();
    for (unsigned i = 0; i < 2; ++i) {
        CHECK(pair.get(i, "a") == "1");
        CHECK(pair.get(i, "b") == "2");
    }
}

TEST_CASE("R16: empty nodes meet at the cost of a few frames, a full and an empty one by lists") {
    Pair pair(true);
    pair.link();
    pair.settle();
    CHECK(pair.stats(0)[ExchangeCounter::digests_sent] == storage::bucket_count);
    CHECK(pair.stats(0)[ExchangeCounter::lists_sent] == 0);
    CHECK(pair.stats(0)[ExchangeCounter::bytes_sent] < 20'000);
    CHECK(pair.stats(0).dirty_buckets == 0);
    pair.set(0, "a", "1");
    pair.settle();
    pair.cut();
    pair.restart(1);
    pair.link();
    pair.settle();
    CHECK(pair.get(1, "a") == "1");
    CHECK(pair.stats(0)[ExchangeCounter::digests_sent] == storage::bucket_count);
}

TEST_CASE("R16: of equal nodes nothing is listed, of others what differs") {
    Pair pair(true);
    pair.link();
    pair.set(0, "a", "1");
    pair.set(1, "b", "2");
    pair.settle();
    pair.cut();
    const auto forget_what_the_peer_has = [&] {
        for (auto& node : pair.nodes) {
            for (unsigned i = 0; i < node->sink().shard_count(); ++i) {
                node->store().with_shard(
                    i, [&](storage::Shard&) { node->sink().shard(i).mark_all_dirty(0); });
            }
        }
    };
    const auto lists = pair.stats(1)[ExchangeCounter::lists_sent];
    const auto denied = pair.stats(1)[ExchangeCounter::digests_denied];
    forget_what_the_peer_has();
    pair.link();
    pair.settle();
    CHECK(pair.stats(1)[ExchangeCounter::lists_sent] == lists);
    CHECK(pair.stats(1)[ExchangeCounter::digests_denied] == denied);
    CHECK(pair.stats(0).digest == pair.stats(1).digest);

    pair.cut();
    forget_what_the_peer_has();
    pair.set(1, "b", "3");
    pair.link();
    pair.settle();
    CHECK(pair.stats(1)[ExchangeCounter::digests_denied] == denied + 1);
    CHECK(pair.stats(1)[ExchangeCounter::lists_sent] == lists + 1);
    CHECK(pair.get(0, "b") == "3");
}

TEST_CASE("R16: what a peer without digests is sent are lists") {
    Pair pair(true);
    auto hello = pair.nodes[1]->exchange().standing(pair.now);
    hello.capabilities = 0;
    pair.nodes[0]->begin(hello, pair.now);
    CHECK_FALSE(pair.sent_by(0).empty());
    CHECK(pair.stats(0)[ExchangeCounter::digests_sent] == 0);
    CHECK(pair.stats(0)[ExchangeCounter::lists_sent] > 0);
}

TEST_CASE("what clients of one node use, the other spares as long") {
    Pair pair;
    pair.link();
    pair.set(0, "a", "1");
    pair.settle();
    for (unsigned uses = 1; uses <= storage::frequency_limit; ++uses) {
        pair.use(0, "a");
        pair.tick();
        pair.settle();
        CHECK(pair.frequency(1, "a") == uses);
    }
    // Reads of both nodes add up, and what is at its limit is not told again.
    pair.use(0, "a");
    pair.use(1, "a");
    pair.tick();
    pair.settle();
    CHECK(pair.stats(0)[ExchangeCounter::hints_sent] == storage::frequency_limit);
    CHECK(pair.stats(1)[ExchangeCounter::hints_received] == storage::frequency_limit);
    // Nothing comes back, and nothing was replicated but the write.
    CHECK(pair.stats(1)[ExchangeCounter::hints_sent] == 0);
    CHECK(pair.stats(1)[ExchangeCounter::records_sent] == 0);
    CHECK(pair.stats(0)[ExchangeCounter::records_sent] == 1);
}

TEST_CASE("a node that is refilled hears which of its new items have been read") {
    Pair pair;
    pair.link();
    pair.set(0, "a", "1");
    pair.set(0, "b", "2");
    pair.use(0, "a");
    pair.settle();
    pair.cut();
    pair.restart(1);
    pair.link();
    pair.settle();
    CHECK(pair.get(1, "a") == "1");
    CHECK(pair.get(1, "b") == "2");
    CHECK(pair.frequency(1, "a") == 1);
    CHECK(pair.frequency(1, "b") == 0);
}

TEST_CASE("hints wake nobody, go once per tick, and give way where there is no room") {
    Pair pair;
    pair.link();
    pair.set(0, "a", "1");
    pair.set(0, "b", "1");
    pair.tick();
    pair.settle();
    auto& exchange = pair.nodes[0]->exchange();
    REQUIRE(exchange.may_rest());
    pair.use(0, "a");
    CHECK_FALSE(exchange.wants_to_send());
    CHECK(exchange.drained());
    CHECK(pair.sent_by(0).empty());
    pair.tick();
    CHECK(pair.sent_by(0, 100).empty());
    const auto sent = pair.sent_by(0);
    CHECK(replication::read_frame(sent).frame.type == FrameType::hint);
    CHECK(replication::read_frame(sent).frame.seq == 0);
    REQUIRE(pair.nodes[1]->receive(sent, pair.now));
    CHECK(pair.frequency(1, "a") == 1);
    pair.use(0, "b");
    CHECK(pair.sent_by(0).empty());
    pair.tick();
    CHECK_FALSE(pair.sent_by(0).empty());
}

TEST_CASE("a peer that does not understand hints is sent none, and none are gathered") {
    Pair pair;
    auto hello = pair.nodes[1]->exchange().standing(pair.now);
    hello.capabilities &= ~replication::pair::capability_hints;
    const auto own = pair.nodes[0]->exchange().standing(pair.now);
    pair.nodes[0]->begin(hello, pair.now);
    pair.nodes[1]->begin(own, pair.now);
    pair.set(0, "a", "1");
    pair.settle();
    for (std::size_t i = 0; i < 2; ++i) {
        pair.use(0, "a");
        pair.tick();
        pair.settle();
    }
    CHECK(pair.stats(0)[ExchangeCounter::hints_sent] == 0);
    CHECK(pair.stats(0)[TrackingCounter::hints_dropped] == 0);
    CHECK(pair.frequency(1, "a") == 0);
}

TEST_CASE("hints without a session are not gathered, and those of a lost one not sent later") {
    Pair pair;
    pair.link();
    pair.set(0, "a", "1");
    pair.settle();
    pair.use(0, "a");
    pair.cut();
    pair.use(0, "a");
    pair.link();
    pair.tick();
    pair.settle();
    CHECK(pair.stats(0)[ExchangeCounter::hints_sent] == 0);
    pair.use(0, "a");
    pair.tick();
    pair.settle();
    CHECK(pair.stats(0)[ExchangeCounter::hints_sent] == 1);
}

TEST_CASE("the delete of an absent key reaches the peer that has it") {
    Pair pair;
    pair.link();
    pair.set(1, "a", "1");
    pair.settle();
    pair.nodes[0]->evict("a", pair.now);
    pair.remove(0, "a");
    pair.settle();
    CHECK(pair.get(1, "a") == "(none)");
}

TEST_CASE("the same key set on both nodes at once ends with the same value on both") {
    Pair pair;
    pair.link();
    pair.settle();
    pair.set(0, "a", "from a");
    pair.set(1, "a", "from b");
    pair.settle();
    CHECK(pair.get(0, "a") == pair.get(1, "a"));
}

TEST_CASE("R11: what a lost session had carried is carried again") {
    Pair pair;
    pair.link();
    pair.settle();
    pair.set(0, "a", "1");
    REQUIRE_FALSE(pair.sent_by(0).empty());
    pair.cut();
    pair.link();
    pair.settle();
    CHECK(pair.get(1, "a") == "1");
}

TEST_CASE("R13: no acknowledgement overtakes a large value that was read before") {
    Pair pair;
    pair.link();
    pair.settle();
    pair.set(0, "large", std::string(900'000, 'x'));
    const auto first = pair.sent_by(0, 1);
    REQUIRE(pair.nodes[1]->receive(first, pair.now));
    pair.set(1, "b", "2");
    REQUIRE(pair.nodes[0]->receive(pair.sent_by(1), pair.now));
    const auto next = pair.sent_by(0, 1);
    CHECK(replication::read_frame(next).frame.type == FrameType::segment);
    REQUIRE(pair.nodes[1]->receive(next, pair.now));
    pair.settle();
    CHECK(pair.get(1, "large").size() == 900'000);
}

TEST_CASE("the lag grows while a peer confirms nothing, and is gone when it does") {
    Pair pair;
    pair.link();
    pair.settle();
    pair.set(0, "a", "1");
    const auto sent = pair.sent_by(0);
    pair.now.steady_ms += 700;
    pair.nodes[0]->exchange().measure_lag(pair.now);
    CHECK(pair.nodes[0]->exchange().stats().lag_ms == 700);
    REQUIRE(pair.nodes[1]->receive(sent, pair.now));
    pair.settle();
    CHECK(pair.nodes[0]->exchange().stats().lag_ms == 0);
}

TEST_CASE("R14: a flush whose session is lost after the HELLO reaches the peer all the same") {
    Pair pair;
    pair.link();
    pair.set(0, "a", "1");
    pair.settle();
    pair.cut();
    const std::array hellos{pair.nodes[0]->exchange().standing(pair.now),
                            pair.nodes[1]->exchange().standing(pair.now)};
    (void)pair.nodes[0]->store().flush(pair.now);
    (void)pair.nodes[0]->sink().take_flush_news();
    pair.nodes[0]->begin(hellos[1], pair.now);
    pair.nodes[1]->begin(hellos[0], pair.now);
    pair.settle();
    CHECK(pair.get(1, "a") == "(none)");
    CHECK(pair.nodes[0]->store().flush_version() == pair.nodes[1]->store().flush_version());
}

TEST_CASE("R15: a node that forgets its memory is refilled by the peer that refused it") {
    Pair pair;
    pair.set(0, "a", "1");
    pair.link();
    pair.settle();
    const auto memory = pair.nodes[1]->remember(false);
    pair.cut();
    pair.restart(1);
    pair.nodes[1]->recall(memory, pair.now);
    pair.nodes[1]->exchange().forget(12345, pair.now);
    pair.link();
    pair.settle();
    CHECK(pair.get(0, "a") == "1");
    CHECK(pair.get(1, "a") == "1");
}

TEST_CASE("R12: a node that was put back to an earlier state begins anew, and its peer waits") {
    Pair pair;
    pair.link();
    pair.set(0, "a", "1");
    pair.set(1, "b", "2");
    pair.settle();
    pair.cut();
    // What it says of itself is from before it had sent and heard anything.
    auto earlier = pair.nodes[0]->exchange().standing(pair.now);
    earlier.past.sent = 0;
    CHECK(pair.nodes[1]->exchange().acquaintance().judge(earlier) == Meeting::let_go_anew);
    auto other = pair.nodes[1]->exchange().standing(pair.now);
    CHECK(pair.nodes[0]->exchange().acquaintance().judge(other) == Meeting::begin);
    other.past.heard_applied += 100;
    CHECK(pair.nodes[0]->exchange().acquaintance().judge(other) == Meeting::begin_anew);
}

TEST_CASE("R12: a HELLO that was said before the peer knew this incarnation costs nothing") {
    Pair pair;
    pair.link();
    pair.settle();
    pair.cut();
    pair.restart(0);
    // It knows the incarnation before, and arrives after a session with the present one.
    const auto late = pair.nodes[1]->exchange().standing(pair.now);
    pair.link();
    pair.set(0, "a", "1");
    pair.settle();
    pair.cut();
    CHECK(pair.nodes[0]->exchange().acquaintance().judge(late) == Meeting::let_go_anew);
    pair.link();
    CHECK(pair.get(0, "a") == "1");
}

// A machine that is set back to before the restart of its process: as the incarnation that it was.
TEST_CASE("R12: a node that comes back as an incarnation before its last brings nothing back") {
    Pair pair;
    pair.link();
    pair.set(0, "a", "old");
    pair.settle();
    pair.cut();
    const auto snapshot = pair.nodes[0]->remember(false);
    pair.restart(0);
    pair.link();
    pair.settle();
    pair.remove(1, "a");
    pair.set(1, "b", "new");
    pair.settle();
    pair.cut();
    pair.restart(0);
    pair.nodes[0]->recall(snapshot, pair.now);
    pair.nodes[0]->exchange().acquaintance().believe_memory();
    pair.history.on_crash(0);
    REQUIRE(pair.get(0, "a") == "old");
    pair.link();
    pair.settle();
    for (unsigned i = 0; i < 2; ++i) {
        INFO("node " << i);
        CHECK(pair.get(i, "a") == "(none)");
        CHECK(pair.get(i, "b") == "new");
    }
}

TEST_CASE("R12: a node that is set back to before it met its peer forgets what it held") {
    Pair pair;
    pair.set(0, "a", "old");
    const auto snapshot = pair.nodes[0]->remember(true);
    const auto own_epoch = pair.nodes[0]->exchange().acquaintance().epoch();
    pair.restart(0);
    pair.nodes[0]->recall(snapshot, pair.now);
    pair.link();
    pair.settle();
    pair.remove(1, "a");
    pair.set(1, "b", "new");
    pair.settle();
    pair.cut();
    pair.restart(0);
    pair.nodes[0]->recall(snapshot, pair.now);
    pair.nodes[0]->exchange().acquaintance().believe_memory();
    pair.history.on_crash(0);
    REQUIRE(pair.nodes[0]->exchange().acquaintance().epoch() == own_epoch);
    pair.link();
    pair.settle();
    for (unsigned i = 0; i < 2; ++i) {
        INFO("node " << i);
        CHECK(pair.get(i, "a") == "(none)");
        CHECK(pair.get(i, "b") == "new");
    }
}

// An item whose time is over lies there until somebody looks for it, and M may have refused what is
// newer. It goes along over a restart, for the sink of the store to come must be told of it.
TEST_CASE("R15: what comes back from a restart is judged by what can be read of it") {
    for (const bool expires : {true, false}) {
        Pair pair;
        const auto expiry = expires ? storage::Expiry::at(pair.now.tick() + 1)  //
                                    : storage::Expiry::never();
        pair.set(0, "a", "1", expiry);
        const auto reached = pair.history.reached(0, "a");
        pair.now.steady_ms += 5000;
        pair.history.on_heard(0, "a", reached + (1U << 13), 0);
        const auto memory = pair.nodes[0]->remember(true);
        pair.restart(0);
        pair.nodes[0]->recall(memory, pair.now);
        INFO("it expires: " << expires);
        CHECK(pair.get(0, "a") == (expires ? "(none)" : "1"));
        CHECK(pair.history.violation().empty() == expires);
    }
}

TEST_CASE(
    "a frame out of turn, half a hint, or an acknowledgement of what was never sent, ends the "
    "session") {
    Pair pair;
    pair.link();
    pair.settle();
    lib::ByteBuffer flush;
    replication::write_frame(flush, 1'000'000, replication::Flush{1});
    CHECK_FALSE(pair.nodes[0]->receive(flush.readable(), pair.now));
    pair.nodes[0]->forget_bytes();
    lib::ByteBuffer hint;
    replication::FrameWriter frame(hint, FrameType::hint, 0);
    replication::WireWriter(hint).u32(7);
    frame.finish();
    CHECK_FALSE(pair.nodes[0]->receive(hint.readable(), pair.now));
    pair.nodes[0]->forget_bytes();
    lib::ByteBuffer ack;
    replication::write_frame(ack, replication::Ack{1'000'000, 0, {}});
    CHECK_FALSE(pair.nodes[0]->receive(ack.readable(), pair.now));
}
