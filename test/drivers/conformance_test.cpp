// What every driver promises its store and its clients, whatever it talks to. Each driver that
// there is goes through all of it; a driver for a node alone through what is meant for one. Nothing
// here knows a driver by name. What happens on the drivers' threads is awaited.
#include "lib/random.hpp"
#include "replication/replication_options.hpp"
#include "test/drivers/node.hpp"
#include "test/drivers/subjects.hpp"

#include <catch2/catch.hpp>

#include <malloc.h>

#include <memory>
#include <set>
#include <string>

using namespace twincached;
using namespace twincached::test;

namespace {

std::string key_of(int number) {
    return "key" + std::to_string(number);
}

// Two nodes that find each other, in step.
struct Two {
    explicit Two(const Subject& subject, void (*adjust)(lib::OptionStructs&) = nullptr)
        : options(subject.options()) {
        if (adjust != nullptr)
            for (auto& one : options)
                adjust(one.all);
        a = std::make_unique<Node>(options[0], happenings);
        b = std::make_unique<Node>(options[1], happenings);
    }
    // A change on either reaches the other: they speak with each other.
    void meet() {
        a->set("from a", "1");
        b->set("from b", "1");
        REQUIRE(await([&] { return a->has("from b") && b->has("from a"); }));
    }
    template <class Condition>
    bool await(Condition condition) {
        return happenings.await(condition);
    }
    // The node is told already; where a log stands between, it will be without the other's help.
    template <class Condition>
    bool is_told(const Subject& subject, Condition condition) {
        return subject.is_over_a_log ? await(condition) : condition();
    }
    bool hold_the_same() { return a->contents() == b->contents(); }

    std::vector<NodeOptions> options;
    Happenings happenings;
    std::unique_ptr<Node> a;
    std::unique_ptr<Node> b;
};

std::size_t allocated_bytes() {
    const auto info = ::mallinfo2();
    return info.uordblks + info.hblkhd;
}

}  // namespace

TEST_CASE("every driver of the program is examined") {
    std::set<std::string> examined;
    for (const auto& subject : all_drivers())
        examined.insert(subject.driver);
    std::set<std::string> known;
    for (const auto& factory : factories())
        known.insert(std::string(factory.name));
    CHECK(examined == known);
}

TEST_CASE("a node becomes ready once, and its report names its driver") {
    const auto subject = GENERATE(from_range(all_drivers()));
    CAPTURE(subject.driver);
    Happenings happenings;
    Node node(subject.options().front(), happenings);
    CHECK(happenings.await([&] { return node.is_ready(); }));
    CHECK(node.times_ready() == 1);
    const auto report = node.report();
    CHECK(report.at("repl_driver") == subject.driver);
    for (const auto& [key, value] : report)
        CHECK(key.find_first_of(": \r\n") == std::string::npos);
}

TEST_CASE("a node with nobody there serves its clients") {
    const auto subject = GENERATE(from_range(all_drivers()));
    CAPTURE(subject.driver);
    Happenings happenings;
    Node node(subject.options().front(), happenings);
    node.set("kept", "1");
    node.set("removed", "1");
    node.remove("removed");
    CHECK(node.get("kept") == "1");
    CHECK_FALSE(node.has("removed"));
    node.flush();
    CHECK_FALSE(node.has("kept"));
    node.set("after", "1");
    CHECK(node.get("after") == "1");
}

TEST_CASE("a replicator that was never started can be asked and stopped") {
    const auto subject = GENERATE(from_range(all_drivers()));
    CAPTURE(subject.driver);
    const auto options = subject.options().front();
    const auto replicator =
        replication::make_replicator(factories(), {.options = options.all, .shards = 2}, {});
    CHECK(replicator->node().has_value() == subject.replicates());
    replicator->stats(
        [](const lib::Figure& figure, std::string_view) { CHECK_FALSE(figure.name.empty()); });
    replicator->drain();
    replicator->stop();
    replicator->stop();
}

TEST_CASE("two stores come to hold the same, whoever was told what") {
    const auto subject = GENERATE(from_range(drivers_that_replicate()));
    CAPTURE(subject.driver);
    Two two(subject);
    for (int i = 0; i < 300; ++i) {
        two.a->set(key_of(i), "a" + std::to_string(i));
        two.b->set(key_of(i + 200), "b" + std::to_string(i));
        if (i % 3 == 0) two.b->remove(key_of(i));
    }
    CHECK(two.await([&] { return two.hold_the_same(); }));
    CHECK(two.a->contents().size() > 300);
    for (int i = 0; i < 500; ++i)
        CHECK(two.a->get(key_of(i)) == two.b->get(key_of(i)));
}

TEST_CASE("of two changes of one key both nodes keep the same") {
    const auto subject = GENERATE(from_range(drivers_that_replicate()));
    CAPTURE(subject.driver);
    Two two(subject);
    two.meet();
    for (int i = 0; i < 200; ++i) {
        two.a->set("contended", "a" + std::to_string(i));
        two.b->set("contended", "b" + std::to_string(i));
    }
    // The higher version wins; the other is told to nobody any more.
    CHECK(two.await([&] { return two.hold_the_same(); }));
    CHECK(two.a->get("contended") == two.b->get("contended"));
}

TEST_CASE("what was removed on one node is gone from the other") {
    const auto subject = GENERATE(from_range(drivers_that_replicate()));
    CAPTURE(subject.driver);
    Two two(subject);
    two.a->set("doomed", "1");
    REQUIRE(two.await([&] { return two.b->has("doomed"); }));
    two.b->remove("doomed");
    CHECK(two.await([&] { return !two.a->has("doomed"); }));
    CHECK_FALSE(two.b->has("doomed"));
}

TEST_CASE("a flush ends on both nodes what is older, and nothing that is newer") {
    const auto subject = GENERATE(from_range(drivers_that_replicate()));
    CAPTURE(subject.driver);
    Two two(subject);
    two.meet();
    two.b->set("older", "1");
    REQUIRE(two.await([&] { return two.a->has("older"); }));
    two.a->flush();
    two.a->set("newer", "1");
    // In which order changes of different keys arrive is not promised.
    CHECK(two.await(
        [&] { return two.b->has("newer") && !two.b->has("older") && !two.b->has("from b"); }));
    CHECK(two.a->has("newer"));
}

TEST_CASE("a flush for later ends what is older on both nodes when its time has come") {
    const auto subject = GENERATE(from_range(drivers_that_replicate()));
    CAPTURE(subject.driver);
    constexpr std::chrono::seconds delay{100};
    Two two(subject);
    two.meet();
    two.a->set("older", "1");
    REQUIRE(two.await([&] { return two.b->has("older"); }));
    two.a->flush_in(delay);
    const auto scheduled = two.a->store().flush_schedule().version;
    REQUIRE(two.await([&] { return two.b->store().flush_schedule().version == scheduled; }));
    two.a->do_upkeep_after(delay / 2);
    CHECK(two.a->has("older"));
    // In earnest: a node that finds itself so much later may have been given up meanwhile.
    two.a->flush_in(std::chrono::milliseconds(100));
    CHECK(two.await([&] {
        two.a->do_upkeep_after(std::chrono::milliseconds(0));
        return !two.a->has("older");
    }));
    two.a->set("newer", "1");
    CHECK(two.await([&] { return two.b->has("newer"); }));
    CHECK_FALSE(two.b->has("older"));
    CHECK_FALSE(two.b->has("from b"));
}

TEST_CASE(
    "a flush for later is carried out by the node that is left, and not if it was taken back") {
    const auto subject = GENERATE(from_range(drivers_that_replicate()));
    CAPTURE(subject.driver);
    constexpr std::chrono::seconds delay{100};
    const bool is_taken_back = GENERATE(false, true);
    Two two(subject);
    two.meet();
    two.a->flush_in(delay);
    if (is_taken_back) two.a->flush();
    two.a->set("older", "1");
    const auto scheduled = two.a->store().flush_schedule().version;
    REQUIRE(two.await([&] {
        return two.b->has("older") && two.b->store().flush_schedule().version == scheduled;
    }));
    two.a.reset();
    // It waits for who was asked, and a while longer.
    const auto is_flushed = [&] {
        two.b->do_upkeep_after(2 * delay);
        return !two.b->has("older");
    };
    if (!is_taken_back) CHECK(two.await(is_flushed));
    if (is_taken_back) CHECK_FALSE(is_flushed());
}

TEST_CASE("whatever the network does meanwhile, two stores come to hold the same") {
    const auto subject = GENERATE(from_range(drivers_over_networks()));
    const auto seed = GENERATE(1U, 2U);
    CAPTURE(subject.driver, seed);
    lib::Random random(seed);
    auto options = subject.options();
    const auto network = subject.network(options);
    Happenings happenings;
    Node a(options[0], happenings);
    Node b(options[1], happenings);
    a.set("from a", "1");
    REQUIRE(happenings.await([&] { return b.has("from a"); }));
    Node* nodes[] = {&a, &b};
    std::string last[2];
    for (int i = 0; i < 300; ++i) {
        const auto key = key_of(static_cast<int>(random.below(60)));
        const auto here = random.below(2);
        if (random.one_in(4)) {
            nodes[here]->remove(key);
        } else {
            nodes[here]->set(key, std::string(random.below(random.one_in(20) ? 20'000 : 50), 'v'));
        }
        if (random.one_in(100)) nodes[here]->flush();
        if (random.one_in(30)) network->tear();
        if (random.one_in(60)) network->cut();
        if (random.one_in(20)) network->mend();
        // At times all that was said is heard before the next harm is done.
        if (!random.one_in(100)) continue;
        network->mend();
        last[here] = "last " + std::to_string(i);
        nodes[here]->set(last[here], "1");
        CHECK(happenings.await([&] { return nodes[1 - here]->has(last[here]); }));
    }
    network->mend();
    a.set("end of a", "1");
    b.set("end of b", "1");
    CHECK(happenings.await(
        [&] { return b.has("end of a") && a.has("end of b") && a.contents() == b.contents(); }));
    for (int i = 0; i < 60; ++i)
        CHECK(a.get(key_of(i)) == b.get(key_of(i)));
}

TEST_CASE("a network that is cut holds up nobody's clients, and what they did meanwhile arrives") {
    const auto subject = GENERATE(from_range(drivers_over_networks()));
    CAPTURE(subject.driver);
    auto options = subject.options();
    const auto network = subject.network(options);
    Happenings happenings;
    Node a(options[0], happenings);
    Node b(options[1], happenings);
    a.set("removed", "1");
    REQUIRE(happenings.await([&] { return b.has("removed"); }));
    network->cut();
    for (int i = 0; i < 2000; ++i)
        a.set(key_of(i), "a");
    a.remove("removed");
    b.set("meanwhile", "b");
    CHECK_FALSE(b.has(key_of(1999)));
    CHECK_FALSE(a.has("meanwhile"));
    network->mend();
    CHECK(happenings.await([&] { return a.contents() == b.contents(); }));
    CHECK(a.has("meanwhile"));
    CHECK(b.has(key_of(1999)));
    CHECK_FALSE(b.has("removed"));
}

TEST_CASE("a value of any size crosses whole") {
    const auto subject = GENERATE(from_range(drivers_that_replicate()));
    CAPTURE(subject.driver);
    Two two(subject);
    int number = 0;
    for (const std::size_t size : {0U, 1U, 8192U, 262'144U, 262'145U, (1U << 20) - 512}) {
        std::string value(size, 'v');
        for (std::size_t i = 0; i < size; i += 1000)
            value[i] = static_cast<char>('a' + i / 1000 % 26);
        const auto key = key_of(++number);
        two.a->set(key, value);
        CHECK(two.await([&] { return two.b->get(key) == value; }));
    }
}

TEST_CASE("a node that joins late gets what there was") {
    const auto subject = GENERATE(from_range(drivers_that_replicate()));
    CAPTURE(subject.driver);
    Two two(subject);
    two.b.reset();
    for (int i = 0; i < 300; ++i)
        two.a->set(key_of(i), "1");
    two.b = std::make_unique<Node>(two.options[1], two.happenings);
    CHECK(two.await([&] { return two.hold_the_same(); }));
    CHECK(two.b->contents().size() == 300);
}

TEST_CASE("what a node was told last is handed over when it drains") {
    const auto subject = GENERATE(from_range(drivers_that_replicate()));
    CAPTURE(subject.driver);
    Two two(subject);
    two.meet();
    for (int i = 0; i < 500; ++i)
        two.a->set(key_of(i), "1");
    two.a->replicator().drain();
    for (int i = 0; i < 500; ++i)
        CHECK(two.is_told(subject, [&] { return two.b->has(key_of(i)); }));
}

TEST_CASE("a node that stands alone finds its items again after a warm restart") {
    const auto subject = GENERATE(from_range(all_drivers()));
    CAPTURE(subject.driver);
    const auto options = subject.options().front();
    Happenings happenings;
    Kept kept;
    std::map<std::string, storage::Version> before;
    {
        Node node(options, happenings);
        for (int i = 0; i < 100; ++i)
            node.set(key_of(i), "1");
        node.remove(key_of(7));
        before = node.contents();
        kept = node.stop_and_keep();
    }
    Node node(options, happenings, &kept);
    REQUIRE(happenings.await([&] { return node.is_ready(); }));
    CHECK(node.contents() == before);
    CHECK_FALSE(node.has(key_of(7)));
    node.set(key_of(8), "newer");
    CHECK(node.contents().at(key_of(8)) > before.at(key_of(8)));
}

TEST_CASE("a node that comes back with its items hears of all that it missed") {
    const auto subject = GENERATE(from_range(drivers_that_replicate()));
    CAPTURE(subject.driver);
    Two two(subject);
    two.meet();
    for (int i = 0; i < 50; ++i)
        two.b->set(key_of(i), "1");
    REQUIRE(two.await([&] { return two.hold_the_same(); }));
    const auto kept = two.b->stop_and_keep();
    two.b.reset();
    two.a->remove(key_of(1));
    two.a->set(key_of(2), "2");
    two.a->set(key_of(50), "2");
    two.b = std::make_unique<Node>(two.options[1], two.happenings, &kept);
    CHECK(two.await([&] { return two.hold_the_same(); }));
    CHECK_FALSE(two.a->has(key_of(1)));
    CHECK(two.b->get(key_of(2)) == "2");
    CHECK(two.b->has(key_of(50)));
    CHECK(two.b->has(key_of(3)));
}

TEST_CASE("a removal that nobody heard of is not undone by a warm restart") {
    const auto subject = GENERATE(from_range(drivers_that_replicate()));
    CAPTURE(subject.driver);
    Two two(subject);
    two.meet();
    two.a->set("removed", "1");
    REQUIRE(two.await([&] { return two.hold_the_same() && two.b->has("removed"); }));
    const auto kept_by_b = two.b->stop_and_keep();
    two.b.reset();
    two.a->remove("removed");
    const auto kept_by_a = two.a->stop_and_keep();
    two.a.reset();
    two.a = std::make_unique<Node>(two.options[0], two.happenings, &kept_by_a);
    two.b = std::make_unique<Node>(two.options[1], two.happenings, &kept_by_b);
    two.a->set("afterwards", "1");
    CHECK(two.await([&] { return two.b->has("afterwards") && two.hold_the_same(); }));
    CHECK_FALSE(two.a->has("removed"));
    CHECK_FALSE(two.b->has("removed"));
}

TEST_CASE("items that a node alone has kept come back under any driver, and reach the other node") {
    const auto subject = GENERATE(from_range(drivers_that_replicate()));
    CAPTURE(subject.driver);
    Two two(subject);
    two.a.reset();
    two.b.reset();
    Kept kept;
    {
        Node alone(options_of_none(), two.happenings);
        for (int i = 0; i < 100; ++i)
            alone.set(key_of(i), "1");
        alone.remove(key_of(7));
        kept = alone.stop_and_keep();
    }
    two.a = std::make_unique<Node>(two.options[0], two.happenings, &kept);
    REQUIRE(two.await([&] { return two.a->is_ready(); }));
    CHECK(two.a->contents().size() == 99);
    two.a->set(key_of(8), "newer");
    two.b = std::make_unique<Node>(two.options[1], two.happenings);
    CHECK(two.await([&] { return two.b->contents().size() == 99 && two.hold_the_same(); }));
    CHECK(two.b->get(key_of(8)) == "newer");
}

TEST_CASE("whatever driver has kept them, a node alone finds its items again") {
    const auto subject = GENERATE(from_range(all_drivers()));
    CAPTURE(subject.driver);
    Happenings happenings;
    Kept kept;
    std::uint64_t last_cas = 0;
    {
        Node node(subject.options().front(), happenings);
        node.set("kept", "1");
        node.set("removed", "1");
        node.store().get(node.store().key("removed"), test::now(),
                         [&](const storage::ItemView& item) { last_cas = item.cas; });
        node.remove("removed");
        kept = node.stop_and_keep();
    }
    Node alone(options_of_none(), happenings, &kept);
    CHECK(alone.get("kept") == "1");
    CHECK_FALSE(alone.has("removed"));
    alone.set("removed", "2");
    alone.store().get(alone.store().key("removed"), test::now(),
                      [&](const storage::ItemView& item) { CHECK(item.cas != last_cas); });
}

TEST_CASE("an answer that waits is let go when the other node has the change") {
    const auto subject = GENERATE(from_range(drivers_that_replicate()));
    CAPTURE(subject.driver);
    Two two(subject, [](lib::OptionStructs& options) {
        options.edit<replication::ReplicationOptions>().ack = replication::AckMode::received;
        // What is let go is confirmed.
        options.edit<replication::AckGate::Options>() = {std::chrono::seconds(10), true};
    });
    two.meet();
    auto* gate = two.a->replicator().ack_gate();
    REQUIRE(gate != nullptr);
    constexpr unsigned waiter = 0;  // the node's, added before its threads ran
    gate->begin_waiting(waiter);
    REQUIRE(two.await([&] {
        gate->begin_waiting(waiter);
        return gate->is_in_sync();
    }));
    const auto made_in = gate->generation();
    const auto ticket = two.a->set("confirmed", "1");
    auto answer = replication::AckGate::Answer::wait;
    CHECK(two.await([&] {
        gate->begin_waiting(waiter);
        answer = gate->look({&ticket, 1}, made_in);
        return answer != replication::AckGate::Answer::wait;
    }));
    CHECK(answer == replication::AckGate::Answer::go);
    CHECK(two.is_told(subject, [&] { return two.b->get("confirmed") == "1"; }));
}

TEST_CASE("without acknowledgements no answer waits") {
    const auto subject = GENERATE(from_range(all_drivers()));
    CAPTURE(subject.driver);
    const auto options = subject.options().front();
    const auto replicator =
        replication::make_replicator(factories(), {.options = options.all, .shards = 2}, {});
    CHECK(replicator->ack_gate() == nullptr);
}

TEST_CASE("with nobody there memory stays bounded, and whoever comes lacks nothing") {
    const auto subject = GENERATE(from_range(drivers_that_replicate()));
    CAPTURE(subject.driver);
    constexpr std::size_t log_bytes = 128U << 10;
    constexpr int changes = 20'000;  // more than thirty logs full
    Two two(subject, [](lib::OptionStructs& options) {
        options.edit<replication::ReplicationOptions>().log_memory_bytes = log_bytes;
    });
    two.meet();
    two.a->set("kept", "1");
    two.b.reset();
    const std::string tail(200, 'k');
    const auto change_all = [&] {
        for (int i = 0; i < changes; ++i) {
            two.a->set(key_of(i) + tail, "1");
            two.a->remove(key_of(i) + tail);
        }
    };
    change_all();  // the first time everything finds its size
    const auto before = allocated_bytes();
    change_all();
    // Of what is remembered of removals, too, a round may fill more than the one before.
    CHECK(allocated_bytes() < before + 2 * log_bytes);
    two.a->set("last", "1");
    two.b = std::make_unique<Node>(two.options[1], two.happenings);
    CHECK(two.await([&] { return two.b->has("last") && two.hold_the_same(); }));
    CHECK(two.b->has("kept"));
}
