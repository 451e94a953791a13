// Two whole engines, with their handshakes, heartbeats, crossed dials and goodbyes, over real
// stores in a network that a seed torments: cuts of both directions and of one, deaths that are
// told and such as are not, stops, restarts, orderly stops, clocks that are apart. World
// (simulation_test.cpp) looks closer at what one session carries; this one at what happens around
// sessions. From the environment: SWARM_FIRST, SWARM_SEEDS; a seed that fails is named.
#include "test/simulation/history.hpp"
#include "test/simulation/observer.hpp"
#include "test/unit/replication/sim_net.hpp"

#include <catch2/catch.hpp>

#include <array>
#include <cstdio>
#include <cstdlib>
#include <string>
#include <vector>

using namespace std::chrono_literals;
using namespace twincached::simulation;
using namespace twincached::replication;
using namespace twincached::replication::pair;
namespace storage = twincached::storage;

namespace {

std::uint64_t number_from(const char* name, std::uint64_t fallback) {
    const char* text = std::getenv(name);
    return text == nullptr ? fallback : std::strtoull(text, nullptr, 10);
}

struct Sum {
    std::uint64_t operations = 0;
    std::uint64_t sessions = 0;
    std::uint64_t deaths = 0;
    std::uint64_t lossless_rests = 0;
    std::uint64_t compared = 0;  // buckets, by scrubs
};

class Swarm {
  public:
    explicit Swarm(std::uint64_t seed, Defect defect = Defect::none) : random_(seed), net_(seed) {
        net_.delay_max = Timing::ms(random_.below(random_.one_in(3) ? 60 : 6));
        net_.observe = [this, defect](unsigned node, storage::MutationSink& sink) {
            return std::make_unique<Observer>(sink, history_, node, defect);
        };
        const std::array<std::size_t, 3> log_bytes{200, 2000, 1U << 20};
        for (auto& node : net_.nodes) {
            node.log_bytes = log_bytes[random_.below(log_bytes.size())];
            node.shards = random_.one_in(3) ? 4 : 1;
            node.scrub_interval_ms = random_.one_in(2) ? 500 : 0;
            node.protocol = random_.one_in(4) ? 1 : 2;
            node.clock_offset_ms = static_cast<std::int64_t>(random_.below(4000));
        }
        const auto keys = 1 + random_.below(20);
        for (std::uint64_t i = 0; i < keys; ++i)
            keys_.push_back("key" + std::to_string(i));
        net_.boot(0);
        if (random_.one_in(2)) net_.run(Timing::ms(random_.below(5000)));
        net_.boot(1);
    }

    // The first rule broken, or nothing.
    std::string run(Sum& sum) {
        for (int round = 0; round < 2 && history_.violation().empty(); ++round) {
            for (int step = 0; step < 150 && history_.violation().empty(); ++step) {
                random_.one_in(8) ? misfortune(sum) : client(sum);
                if (random_.one_in(2))
                    net_.run(Timing::ms(random_.below(random_.one_in(10) ? 1500 : 20)));
            }
            if (history_.violation().empty()) come_to_rest(sum);
        }
        return history_.violation();
    }

  private:
    bool is_alive(unsigned n) { return net_.nodes[n].process && !net_.nodes[n].stopped; }

    void client(Sum& sum) {
        const auto n = static_cast<unsigned>(random_.below(2));
        // Before that its port is closed.
        if (!is_alive(n) || !net_.nodes[n].ready) return;
        ++sum.operations;
        auto& store = *net_.nodes[n].process->store;
        const auto key = store.key(keys_[random_.below(keys_.size())]);
        const auto now = net_.now(n);
        const auto draw = random_.below(20);
        if (draw < 10) {
            storage::Write write;
            const auto value = "value" + std::to_string(++values_);
            write.value = value;
            (void)store.write(key, now, write);
        } else if (draw < 15) {
            (void)store.remove(key, now, {});
        } else if (draw < 17) {
            (void)store.touch(key, now, storage::Expiry::never());
        } else if (draw == 17 && random_.one_in(20)) {
            (void)store.flush(now);
        } else {
            (void)store.get(key, now, [](const storage::ItemView&) {});
        }
    }

    void misfortune(Sum& sum) {
        const auto n = static_cast<unsigned>(random_.below(2));
        auto& node = net_.nodes[n];
        switch (random_.below(9)) {
            case 0:
                if (node.process) lose(n, sum, [&] { net_.kill(n); });
                return;
            case 1:
                if (node.process) lose(n, sum, [&] { net_.vanish(n); });
                return;
            case 2:
                if (!node.process) net_.boot(n);
                return;
            case 3:
                net_.partitioned = !net_.partitioned;
                return;
            case 4:
                net_.mute[n] = !net_.mute[n];
                return;
            case 5:
                if (is_alive(n)) net_.stop(n);
                return;
            case 6:
                if (node.process && node.stopped) net_.resume(n);
                return;
            case 7:
                if (is_alive(n)) stop_in_order(n, sum);
                return;
            case 8:
                node.clock_offset_ms += static_cast<std::int64_t>(random_.below(300));
                return;
        }
    }

    template <class Death>
    void lose(unsigned n, Sum& sum, Death death) {
        ++sum.deaths;
        death();
        history_.on_crash(n);
    }

    void stop_in_order(unsigned n, Sum& sum) {
        auto& node = net_.nodes[n];
        net_.begin_drain(n);
        node.ready = false;  // clients have been sent away
        net_.run_until(7s, [&] { return node.drained; });
        lose(n, sum, [&] { net_.kill(n); });
    }

    bool is_at_rest() {
        if (!net_.linked()) return false;
        for (unsigned n = 0; n < 2; ++n) {
            const auto stats = net_.nodes[n].engine().exchange_stats();
            if (stats.unacked + stats.dirty_buckets + stats.walking_buckets != 0) return false;
        }
        return true;
    }

    void come_to_rest(Sum& sum) {
        net_.partitioned = net_.mute[0] = net_.mute[1] = false;
        for (unsigned n = 0; n < 2; ++n) {
            if (!net_.nodes[n].process) net_.boot(n);
            if (net_.nodes[n].stopped) net_.resume(n);
        }
        if (!net_.run_until(60s, [&] { return is_at_rest(); })) {
            return history_.fail("the pair does not come to rest");
        }
        net_.run(2s);  // a round of the scrub
        if (!is_at_rest()) return history_.fail("the pair does not stay at rest");
        check_rest(sum);
    }

    void check_rest(Sum& sum) {
        std::array<std::uint64_t, 2> digests{};
        std::array<storage::Version, 2> flushes{};
        for (unsigned n = 0; n < 2; ++n) {
            const auto stats = net_.nodes[n].engine().exchange_stats();
            digests[n] = stats.digest;
            flushes[n] = net_.nodes[n].process->store->flush_version();
            sum.sessions += net_.nodes[n].engine().link().sessions();
            sum.compared += stats[ExchangeCounter::scrub_compared];
            if (stats[ExchangeCounter::scrub_defects] != 0) history_.fail("a scrub found a defect");
            for (const auto& key : keys_)
                check_key(n, key);
        }
        if (flushes[0] != flushes[1]) history_.fail("the flush registers differ");
        if (!history_.lossless() || flushes[0] != 0) return;
        ++sum.lossless_rests;
        if (digests[0] != digests[1]) history_.fail("nothing was lost, and the digests differ");
    }

    void check_key(unsigned n, const std::string& name) {
        auto& store = *net_.nodes[n].process->store;
        const auto newest = history_.newest(name);
        const bool deleted = newest.deleted || newest.version <= store.flush_version();
        storage::Version held = 0;
        (void)store.peek(store.key(name), net_.now(n), [&](const storage::ItemView& item) {
            held = item.version;
            history_.on_value(name, item.version, std::string(item.value));
        });
        if (held == 0) return;
        const auto who = std::string("node ") + (n == 0 ? "a" : "b") + ", " + name + ": ";
        if (deleted) history_.fail(who + "a deleted key is alive");
        if (held != newest.version) history_.fail(who + "is not the newest");
    }

    twincached::lib::Random random_;
    History history_;
    SimNet net_;
    std::vector<std::string> keys_;
    std::uint64_t values_ = 0;
};

}  // namespace

TEST_CASE("whatever happens around their sessions, two engines come to rest and do not lie") {
    const auto first = number_from("SWARM_FIRST", 1);
    const auto count = number_from("SWARM_SEEDS", 100);
    Sum sum;
    for (auto seed = first; seed < first + count; ++seed) {
        INFO("SWARM_FIRST=" << seed << " SWARM_SEEDS=1");
        REQUIRE(Swarm(seed).run(sum) == "");
    }
    std::printf(
        "seeds %llu to %llu: %llu operations, %llu sessions, %llu deaths, %llu rests "
        "without loss, %llu buckets compared by scrubs\n",
        static_cast<unsigned long long>(first), static_cast<unsigned long long>(first + count - 1),
        static_cast<unsigned long long>(sum.operations),
        static_cast<unsigned long long>(sum.sessions), static_cast<unsigned long long>(sum.deaths),
        static_cast<unsigned long long>(sum.lossless_rests),
        static_cast<unsigned long long>(sum.compared));
    // A swarm in which nothing happens proves nothing.
    if (count < 100) return;
    CHECK(sum.operations > 20 * count);
    CHECK(sum.sessions > count);
    CHECK(sum.deaths > count);
    CHECK(sum.lossless_rests > count / 20);
    CHECK(sum.compared > count * storage::bucket_count / 4);
}

TEST_CASE("a pair of engines that is broken on purpose is found out") {
    Sum sum;
    std::uint64_t seed = 1;
    while (seed < 50 && Swarm(seed, Defect::deletes_untold).run(sum).empty())
        ++seed;
    CHECK(seed < 50);
}
