// Memory that is not to be had while two engines meet, fetch what they lack and tell each other
// what changes: each allocation of theirs fails in turn. The link is given up for it and begins
// again, and nothing that was done by halves is taken for whole: afterwards both hold the same.
#include "test/support/failing_allocations.hpp"
#include "test/unit/replication/sim_net.hpp"

#include <catch2/catch.hpp>

#include <functional>
#include <string>

using namespace std::chrono_literals;
using namespace twincached;
using namespace twincached::replication::pair;

namespace {

constexpr std::size_t large = 400'000;  // travels in pieces

struct Pair {
    Pair() {
        for (unsigned n = 0; n < 2; ++n)
            net.boot(n);
        REQUIRE(net.run_until(30s, [this] { return is_at_rest(); }));
    }
    bool is_at_rest() {
        if (!net.linked()) return false;
        for (auto& node : net.nodes) {
            const auto stats = node.engine().exchange().stats();
            if (stats.unacked + stats.dirty_buckets + stats.walking_buckets != 0) return false;
        }
        return true;
    }
    void set(unsigned n, const std::string& key, std::size_t size) {
        auto value = std::to_string(++values);
        value.resize(std::max(size, value.size()), '.');
        storage::Write write;
        write.value = value;
        auto& store = *net.nodes[n].process->store;
        REQUIRE(store.write(store.key(key), net.now(n), write).outcome ==
                storage::WriteOutcome::stored);
        held[key] = value;
    }
    std::string get(unsigned n, const std::string& key) {
        std::string value;
        auto& store = *net.nodes[n].process->store;
        (void)store.peek(store.key(key), net.now(n),
                         [&](const storage::ItemView& item) { value = item.value; });
        return value;
    }
    // What is lacking on a node that ran out of memory for it may be lacking; it is never older.
    void check(const std::string& where) {
        for (unsigned n = 0; n < 2; ++n) {
            for (const auto& [key, value] : held) {
                INFO(where << ", node " << n << ", " << key);
                const auto found = get(n, key);
                CHECK((found == value || found.empty()));
                lacking += found.empty();
            }
        }
    }

    SimNet net{11};
    std::map<std::string, std::string> held;
    std::uint64_t values = 0;
    std::uint64_t lacking = 0;
};

// How many allocations of the engines' there were to fail. Beyond the first, where one is much like
// the next, only every so many do: `stride` of each that came before.
std::uint64_t fail_in_turn(Pair& pair, const std::function<void()>& scenario,
                           std::uint64_t stride = 0) {
    std::uint64_t nth = 1;
    for (bool failed = true; failed; nth += 1 + nth * stride / 100) {
        const auto where = "allocation " + std::to_string(nth);
        INFO(where);
        {
            const FailingAllocations failing(nth);
            const AllocationsSucceed of_the_test;
            scenario();
            pair.net.run_until(2s, [&] { return failing.has_failed() || pair.is_at_rest(); });
            failed = failing.has_failed();
        }
        REQUIRE(pair.net.run_until(60s, [&] { return pair.is_at_rest(); }));
        pair.check(where);
    }
    return nth - 1;
}

}  // namespace

TEST_CASE(
    "each allocation of a session fails in turn, and the pair links again and lies to nobody") {
    Pair pair;
    const auto count = fail_in_turn(pair, [&] {
        pair.net.reset_connections(0);
        pair.set(0, "small", 10);
        pair.set(1, "other", 2000);
        pair.set(0, "large", large);
        auto& store = *pair.net.nodes[1].process->store;
        (void)store.touch(store.key("other"), pair.net.now(1), storage::Expiry::never());
    });
    CHECK(count > 100);
    const auto told = pair.net.nodes[0].shortages + pair.net.nodes[1].shortages;
    CHECK(told > count / 2);  // what finds none elsewhere goes on without
    CHECK(pair.lacking == 0);
    CHECK(pair.net.nodes[0].engine().report(pair.net.now(0)).no_memory ==
          pair.net.nodes[0].shortages);
    CHECK(pair.net.nodes[0].said("there was no memory for the link"));
}

TEST_CASE("each allocation of a resync fails in turn, and the node that was empty is filled") {
    Pair pair;
    for (int i = 0; i < 20; ++i)
        pair.set(0, "key" + std::to_string(i), 50);
    pair.set(0, "large", large);
    const auto count = fail_in_turn(
        pair,
        [&] {
            pair.net.kill(1);
            pair.net.boot(1);
        },
        30);
    CHECK(count > 100);
    CHECK(pair.lacking == 0);
}
