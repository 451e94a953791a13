// Two engines that are set to arbitrate, over a network that a test slows, cuts and heals: what
// their clients are told, and what both nodes hold then.
#include "replication/pair/arbitration/arbitration.hpp"

#include "test/unit/replication/linked_net.hpp"

#include <catch2/catch.hpp>

#include <memory>
#include <string>
#include <variant>
#include <vector>

namespace twincached::replication::pair {
namespace {

using State = storage::Question::State;
using Asked = std::shared_ptr<storage::Question>;

struct Desks {
    ArbitrationDesk desks[2];
    int woken[2] = {};
    bool looks[2] = {true, true};  // the thread of that node's clients runs
};

struct ArbitratedNet : Desks, LinkedNet {
    using Mode = storage::Arbitration;
    explicit ArbitratedNet(Mode a = Mode::conditional, Mode b = Mode::conditional,
                           std::uint16_t protocol_of_b = protocol_newest)
        : LinkedNet(1, [=, this](Node& node) {
              const auto n = node.number;
              desks[n].set_wake([this, n] { wake(n); });
              (void)desks[n].add_waiter([this, n] {
                  ++woken[n];
                  if (looks[n]) desks[n].look(0);
              });
              node.desk = &desks[n];
              node.arbitration.mode = n == 0 ? a : b;
              if (n == 1) node.protocol = protocol_of_b;
          }) {
        run(Timing::ms(500));
    }

    Mode scope(unsigned n) { return desks[n].scope(); }
    // As a client of node n whose request is executed when it comes: here, or by the other.
    Asked increment(unsigned n) {
        storage::Arithmetic request;
        request.vivify = storage::Expiry::never();
        request.initial = 1;
        if (scope(n) != Mode::off) return desks[n].ask({request, "n", ""}, 0);
        decide(n, request);
        return nullptr;
    }
    void decide(unsigned n, const storage::Arithmetic& request) {
        auto& store = *nodes[n].process->store;
        (void)store.add(store.key("n"), now(n), request);
        ++done;
    }
    // A client of the secondary replaces what "n" holds by a value that the primary cannot hold.
    storage::WriteOutcome write_too_large(const storage::Write& request) {
        const std::string value(2U << 20, 'x');
        const auto asked = desks[1].ask({request, "n", value}, 0);
        REQUIRE(run_until(Timing::ms(3000), [&] { return asked->state() != State::asked; }));
        REQUIRE(asked->state() == State::decided);
        return std::get<storage::WriteResult>(asked->decision().result).outcome;
    }
    // What became of it; where it is to be decided anew, it is.
    bool settle(unsigned n, Asked& asked) {
        if (asked == nullptr) return true;
        if (!run_until(Timing::ms(3000), [&] { return asked->state() != State::asked; }))
            return false;
        if (asked->state() == State::decided) ++done;
        if (asked->state() == State::unknown) ++unknown;
        if (asked->state() != State::undecided) return true;
        asked = increment(n);
        return settle(n, asked);
    }
    bool increment_and_wait(unsigned n) {
        auto asked = increment(n);
        return settle(n, asked);
    }
    bool both_hold(const std::string& value) {
        return run_until(Timing::ms(3000),
                         [&] { return get(0, "n") == value && get(1, "n") == value; });
    }
    void order(unsigned n, Order what) {
        event(n, [&](Engine& engine, const storage::Now& at) { engine.take(what, at); });
    }

    int done = 0;
    int unknown = 0;

  private:
    void wake(unsigned n) {
        at(time, n, [this, n] { event(n, [](Engine& e, auto moment) { e.on_wake(moment); }); });
    }
};

}  // namespace

TEST_CASE("while they are linked the secondary asks the primary, which asks nobody") {
    ArbitratedNet net;
    CHECK(net.scope(0) == storage::Arbitration::off);
    CHECK(net.scope(1) == storage::Arbitration::conditional);
    for (int i = 0; i < 10; ++i) {
        CHECK(net.increment_and_wait(1));
        CHECK(net.get(1, "n") == std::to_string(2 * i + 1));
        CHECK(net.increment_and_wait(0));
    }
    CHECK(net.both_hold("20"));
    CHECK(net.unknown == 0);
    CHECK(net.woken[1] > 0);
}

TEST_CASE("a set that the primary refuses takes the old value with it on both, and nothing else") {
    ArbitratedNet net(storage::Arbitration::all, storage::Arbitration::all);
    net.set(0, "n", "old");
    REQUIRE(net.both_hold("old"));
    storage::Write request;
    for (const auto mode : {storage::WriteMode::add, storage::WriteMode::replace,
                            storage::WriteMode::append, storage::WriteMode::prepend}) {
        request.mode = mode;
        CHECK(net.write_too_large(request) == storage::WriteOutcome::too_large);
    }
    request.mode = storage::WriteMode::set;
    request.compare_cas = 1;
    CHECK(net.write_too_large(request) == storage::WriteOutcome::too_large);
    net.run(Timing::ms(500));
    CHECK(net.both_hold("old"));
    request.compare_cas.reset();
    CHECK(net.write_too_large(request) == storage::WriteOutcome::too_large);
    CHECK(net.both_hold("(miss)"));
}

TEST_CASE("of two settings the weaker one holds, and that is said once") {
    ArbitratedNet net(storage::Arbitration::all, storage::Arbitration::conditional);
    CHECK(net.scope(1) == storage::Arbitration::conditional);
    CHECK(net.nodes[0].said("arbitrate: this node is set to all, the peer to less: conditional"));
    ArbitratedNet other(storage::Arbitration::off, storage::Arbitration::conditional);
    CHECK(other.scope(1) == storage::Arbitration::off);
    CHECK_FALSE(other.nodes[0].said("arbitrate"));
    CHECK(other.nodes[1].said("arbitrate: this node is set to conditional, the peer to less: off"));
}

TEST_CASE("a peer one version back means off, and that is said once") {
    ArbitratedNet net(storage::Arbitration::conditional, storage::Arbitration::conditional, 2);
    CHECK(net.scope(0) == storage::Arbitration::off);
    CHECK(net.scope(1) == storage::Arbitration::off);
    const std::string line = "the peer speaks an older protocol: off holds";
    CHECK(net.nodes[0].said(line));
    net.run(Timing::ms(5000));
    const auto& log = net.nodes[0].log;
    CHECK(log.find(line) == log.rfind(line));
}

TEST_CASE("what is set anew while they are linked holds on both") {
    ArbitratedNet net(storage::Arbitration::off, storage::Arbitration::conditional);
    CHECK(net.scope(1) == storage::Arbitration::off);
    net.nodes[0].engine().set_arbitration(storage::Arbitration::conditional);
    net.run(Timing::ms(1000));
    CHECK(net.scope(1) == storage::Arbitration::conditional);
    net.nodes[1].engine().set_arbitration(storage::Arbitration::off);
    net.run(Timing::ms(1000));
    CHECK(net.scope(1) == storage::Arbitration::off);
    CHECK(net.increment_and_wait(1));
    CHECK(net.get(1, "n") == "1");
}

TEST_CASE("when the primary dies what was under way is unknown, and then the other decides") {
    ArbitratedNet net;
    CHECK(net.increment_and_wait(1));
    auto asked = net.increment(1);
    net.run(Timing::ms(0));
    net.kill(0);
    CHECK(net.settle(1, asked));
    CHECK(net.unknown + net.done == 2);
    CHECK(net.scope(1) == storage::Arbitration::off);
    CHECK(net.increment_and_wait(1));
    CHECK(net.get(1, "n") == std::to_string(net.done));
}

TEST_CASE("a primary that is silent is waited for no longer than arbitrate-timeout") {
    ArbitratedNet net;
    net.stop(0);
    auto asked = net.increment(1);
    CHECK(net.run_until(Timing::ms(1100), [&] { return asked->state() != State::asked; }));
    CHECK(asked->state() == State::unknown);
}

TEST_CASE("a primary that stood still decides nothing that waited for it") {
    ArbitratedNet net;
    CHECK(net.increment_and_wait(1));
    net.stop(0);
    auto asked = net.increment(1);
    CHECK(
        net.run_until(Timing::ms(3000), [&] { return net.scope(1) == storage::Arbitration::off; }));
    CHECK(asked->state() == State::unknown);
    net.set(1, "n", "newer");
    net.resume(0);
    CHECK(net.link_again());
    CHECK(net.both_hold("newer"));
}

TEST_CASE("a primary whose pause nobody has noticed decides what comes afterwards, and once") {
    for (const auto pause : {300, 600, 800}) {
        ArbitratedNet net;
        net.stop(0);
        auto asked = net.increment(1);
        net.run(Timing::ms(pause));
        net.resume(0);
        CHECK(net.settle(1, asked));
        CHECK(net.increment_and_wait(1));
        CHECK(net.link_again());
        CHECK(net.unknown == 0);
        CHECK(net.both_hold("2"));
    }
}

TEST_CASE("a cut lets each decide, and afterwards one does again") {
    ArbitratedNet net;
    net.partitioned = true;
    CHECK(net.run_until(Timing::ms(10000), [&] {
        return net.scope(1) == storage::Arbitration::off && net.scope(0) == net.scope(1);
    }));
    CHECK(net.increment_and_wait(0));
    CHECK(net.increment_and_wait(1));
    net.partitioned = false;
    CHECK(net.link_again());
    net.run(Timing::ms(1000));
    CHECK((net.scope(0) == storage::Arbitration::off) !=
          (net.scope(1) == storage::Arbitration::off));
    net.done = 0;
    const auto before = std::stoi(net.get(0, "n"));
    for (int i = 0; i < 5; ++i) {
        CHECK(net.increment_and_wait(0));
        CHECK(net.increment_and_wait(1));
    }
    CHECK(net.both_hold(std::to_string(before + 10)));
}

TEST_CASE("a switchover and a promotion lose no increment, and leave none unknown") {
    for (const auto what : {Order::switch_over, Order::promote}) {
        ArbitratedNet net;
        net.order(what == Order::promote ? 1 : 0, what);
        for (int i = 0; i < 100; ++i) {
            auto one = net.increment(0);
            auto two = net.increment(1);
            CHECK(net.settle(0, one));
            CHECK(net.settle(1, two));
        }
        net.run(Timing::ms(2000));
        CHECK(net.unknown == 0);
        CHECK(net.done == 200);
        CHECK(net.both_hold("200"));
        CHECK(net.scope(0) == storage::Arbitration::conditional);
        CHECK(net.scope(1) == storage::Arbitration::off);
        CHECK(net.nodes[1].engine().link().role() == Role::primary);
    }
}

TEST_CASE("who decides is passed only when no thread goes by the offer before") {
    ArbitratedNet net;
    CHECK(net.increment_and_wait(0));
    net.looks[0] = false;
    net.order(0, Order::switch_over);
    net.run(Timing::ms(2000));
    CHECK(net.scope(0) == storage::Arbitration::conditional);
    CHECK(net.scope(1) == storage::Arbitration::conditional);
    // One that had looked before, and was held up since.
    net.decide(0, {});
    net.looks[0] = true;
    net.desks[0].look(0);
    net.run(Timing::ms(1000));
    CHECK(net.scope(1) == storage::Arbitration::off);
    CHECK(net.increment_and_wait(1));
    CHECK(net.increment_and_wait(0));
    CHECK(net.both_hold("4"));
    CHECK(net.unknown == 0);
}

TEST_CASE("while buckets are compared nodes that were in step go on asking") {
    ArbitratedNet net;
    CHECK(net.increment_and_wait(0));
    for (unsigned n = 0; n < 2; ++n) {
        net.order(n, Order::resync);
        for (int i = 0; i < 20; ++i) {
            CHECK(net.scope(1) == storage::Arbitration::conditional);
            auto one = net.increment(0);
            auto two = net.increment(1);
            CHECK(net.settle(0, one));
            CHECK(net.settle(1, two));
        }
        net.run(Timing::ms(500));
    }
    CHECK(net.unknown == 0);
    CHECK(net.both_hold(std::to_string(net.done)));
}

TEST_CASE("a primary that stops in order leaves no outcome unknown") {
    ArbitratedNet net;
    CHECK(net.increment_and_wait(0));
    net.begin_drain(0);
    for (int i = 0; i < 50; ++i) {
        CHECK(net.increment_and_wait(1));
        net.run(Timing::ms(1));
    }
    CHECK(net.nodes[0].drained);
    CHECK(net.unknown == 0);
    CHECK(net.get(1, "n") == std::to_string(net.done));
}

TEST_CASE("a line tells since when one decides for both, and since when each for itself") {
    ArbitratedNet net;
    CHECK(net.nodes[0].said("arbitrate: conditional from now on: this node decides for both"));
    CHECK(net.nodes[1].said("arbitrate: conditional from now on: the other node decides for both"));
    const auto since = [&](unsigned n) {
        return net.nodes[n].engine().report(net.now(n)).arbitration_since;
    };
    const auto linked_since = since(1);
    net.run(Timing::ms(1000));
    CHECK(since(1) == linked_since);
    net.partitioned = true;
    net.run(Timing::ms(10000));
    for (unsigned n = 0; n < 2; ++n) {
        CHECK(net.nodes[n].said("arbitrate: off from now on: each node decides for itself"));
        CHECK(since(n) > linked_since);
        CHECK(net.nodes[n].engine().report(net.now(n)).arbitration == storage::Arbitration::off);
    }
}

}  // namespace twincached::replication::pair
