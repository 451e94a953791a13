// Whatever two engines in the simulated network come to be, /status tells it as it is, and tells no
// two conditions alike. answers_test.cpp has the states that can be named; here are those that are.
#include "test/unit/app/endpoint/fake_node.hpp"
#include "test/unit/replication/sim_net.hpp"

#include <catch2/catch.hpp>

#include <boost/json.hpp>

#include <array>
#include <chrono>
#include <map>
#include <optional>
#include <set>
#include <string>
#include <tuple>
#include <utility>

namespace twincached::app {
namespace {

using namespace std::chrono_literals;
using replication::Access;
using replication::Order;
using replication::pair::LinkState;
using replication::pair::name_of;
using replication::pair::OnSplit;
using replication::pair::Role;
using replication::pair::SimNet;
using replication::pair::Timing;
using test::FakeNode;

// What an operator would call another condition.
using Condition = std::tuple<LinkState, bool /* open to clients */, Role, Access>;

class Watched : public SimNet {
  public:
    explicit Watched(OnSplit policy) : SimNet(1) {
        for (auto& node : nodes) {
            node.on_split = policy;
            node.peer_place = "host-" + std::to_string(node.number);
        }
    }

    // Both nodes are looked at whenever they have come to be another.
    void watch(Timing::ms duration) {
        after_event = [this](unsigned n) {
            const auto& link = nodes[n].engine().link();
            const Condition is{link.state(), nodes[n].ready, link.role(), link.access()};
            if (std::exchange(last_[n], is) != is) look_at(n, is);
        };
        run(duration);
    }

    static const std::map<std::string, Condition>& told() { return told_; }
    static void forget() { told_.clear(); }

  private:
    void look_at(unsigned n, const Condition& is) {
        auto& engine = nodes[n].engine();
        replication::pair::PairReport report;
        report.peer = nodes[n].peer_place;
        report.link = engine.report(now(n));
        auto node = FakeNode::of(report);
        if (nodes[n].ready) node.standing.open_for = 1s;
        node.standing.lag_ms = 0;
        const auto page = boost::json::parse(node.ask("/status").body).as_object();
        const auto& link = engine.link();
        const auto text = [&](const char* member) {
            return std::string(page.at(member).as_string());
        };
        INFO(node.ask("/status").body);
        CHECK(text("state") == name_of(link.state()));
        CHECK(text("role") == name_of(link.role()));
        CHECK(text("access") == name_of(link.access()));
        CHECK(page.at("ready").as_bool() == (nodes[n].ready && link.access() != Access::closed));
        CHECK_FALSE(text("link").empty());
        const auto [found, is_new] =
            told_.emplace(text("role") + "; " + text("summary") + "; " + text("phase"), is);
        if (!is_new) CHECK(found->second == is);
    }

    static inline std::map<std::string, Condition> told_;
    std::array<std::optional<Condition>, 2> last_;
};

// From the boot of two nodes to the end of one of them.
void live(OnSplit policy, Order order) {
    Watched pair(policy);
    pair.boot(0);
    pair.watch(200ms);
    pair.boot(1);
    pair.watch(500ms);
    pair.order(1, order);
    pair.watch(1500ms);
    pair.partitioned = true;
    pair.watch(3s);
    pair.partitioned = false;
    pair.watch(1500ms);
    pair.mute[0] = true;
    pair.watch(2s);
    pair.mute[0] = false;
    pair.watch(1s);
    pair.kill(0);
    pair.watch(1s);
    pair.boot(0);
    pair.begin_drain(1);
    pair.watch(500ms);
}

}  // namespace

TEST_CASE("every condition that the simulator brings a pair to has a true answer of its own") {
    Watched::forget();
    live(OnSplit::both_serve, Order::switch_over);
    live(OnSplit::secondary_read_only, Order::promote);
    live(OnSplit::secondary_closed, Order::resync);
    Watched strangers(OnSplit::both_serve);
    strangers.nodes[1].secret = "another";
    strangers.boot(0);
    strangers.boot(1);
    strangers.watch(4s);
    std::set<LinkState> states;
    std::set<Access> accesses;
    for (const auto& [text, condition] : Watched::told()) {
        states.insert(std::get<LinkState>(condition));
        accesses.insert(std::get<Access>(condition));
    }
    CHECK(states.size() == 7);
    CHECK(accesses.size() == 3);
    CHECK(Watched::told().size() > 20);
}

}  // namespace twincached::app
