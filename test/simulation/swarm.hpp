// Two whole engines, with their handshakes, heartbeats, crossed dials and goodbyes, over real
// stores in a network that a seed torments: cuts of both directions and of one, deaths that are
// told and such as are not, stops, restarts, orderly stops, clocks that are apart. World looks
// closer at what one session carries; this one at what happens around sessions.
//
// In some swarms others call a node, too: strangers, who must get nothing and change nothing, and
// such as know the secret, whose every word counts as the peer's: see HostileCaller. Afterwards the
// two link again, hold the same, and no version is further ahead than a clock may be.
//
// Now and then the engines find no memory: the link is given up, and nothing else happens.
//
// Operators give orders at any time: promote, switchover, resync. At rest one of the two is
// primary, no two are for longer than a handover takes, and who takes over has what was accepted
// before it.
//
// Clients also ask nodes that stand still: see WaitingRequests. Whatever was sent to a node before
// the other one gave it up must not be newer than what that one has accepted since.
#pragma once

#include "lib/random.hpp"
#include "test/simulation/history.hpp"
#include "test/simulation/observer.hpp"
#include "test/simulation/waiting_requests.hpp"
#include "test/unit/replication/sim_net.hpp"

#include <array>
#include <cstdint>
#include <map>
#include <optional>
#include <string>
#include <utility>
#include <vector>

namespace twincached::simulation {

// What has happened in some swarms: one in which nothing happens proves nothing.
struct SwarmSum {
    std::uint64_t operations = 0;
    std::uint64_t sessions = 0;
    std::uint64_t deaths = 0;
    std::uint64_t lossless_rests = 0;
    std::uint64_t compared = 0;       // buckets, by scrubs
    std::uint64_t executed_late = 0;  // requests that had waited for a node that stood still
    std::uint64_t closed = 0;         // requests of which the rule executed nothing
    std::uint64_t strangers = 0;      // who called
    std::uint64_t impostors = 0;      // who had a session
    std::uint64_t shortages = 0;      // of memory
    std::uint64_t taken_over = 0;     // changes accepted by a node that gave the other one up
    std::uint64_t orders = 0;         // of operators
    std::uint64_t handed_over = 0;    // the role, by one of them
};

class Swarm {
  public:
    explicit Swarm(std::uint64_t seed, Defect defect = Defect::none);

    // The first rule broken, or nothing.
    std::string run(SwarmSum& sum);

  private:
    using Instant = replication::pair::Instant;

    // A node stands still, or did so last.
    struct Pause {
        // Nothing but the pause keeps the other node from hearing this one.
        bool is_all = false;
        // What the other node has accepted since it gave this one up: the latest by key, and when.
        std::map<std::string, std::pair<storage::Version, Instant>> newer;
    };

    // The role is to go to a node.
    struct Handover {
        unsigned to = 0;
        Instant ordered_at{0};
        std::map<std::string, storage::Version> held;  // by the other one, when that was ordered
    };

    bool is_alive(unsigned n) { return net_.nodes[n].process && !net_.nodes[n].stopped; }
    void boot(unsigned n);
    void pass(replication::pair::Timing::ms time, SwarmSum& sum);
    void client(SwarmSum& sum);
    void change(unsigned n, const std::string& key, bool is_delete);
    void note_taken_over(unsigned n, const std::string& key, SwarmSum& sum);

    void misfortune(SwarmSum& sum);
    template <class Death>
    void lose(unsigned n, SwarmSum& sum, Death death);
    void stop_in_order(unsigned n, SwarmSum& sum);
    void note_cut();
    void stop(unsigned n);
    void resume(unsigned n, SwarmSum& sum);
    void execute_what_waited(unsigned n, SwarmSum& sum);
    void stand_still(unsigned n, SwarmSum& sum);

    void operate(unsigned n, SwarmSum& sum);
    bool is_primary(unsigned n) {
        return net_.nodes[n].engine().link().role() == replication::pair::Role::primary;
    }
    void note_handover();
    void order_wrongly(unsigned n, replication::Order order);
    void tamper(std::string& bytes) const;
    void look_at_roles(unsigned n);
    void check_handover();

    void attack(unsigned n, SwarmSum& sum);
    void note_epoch(unsigned n);

    bool is_at_rest();
    void come_to_rest(SwarmSum& sum);
    void order_at_rest(SwarmSum& sum);
    void check_rest(SwarmSum& sum);
    void check_key(unsigned n, const std::string& name);
    void check_versions(unsigned n);
    storage::Version held_version(unsigned n, const std::string& name);

    lib::Random random_;
    const Defect defect_;
    const replication::pair::Timing timing_;
    History history_;
    replication::pair::SimNet net_;
    std::vector<std::string> keys_;
    std::uint64_t values_ = 0;
    std::array<std::optional<WaitingRequests>, 2> requests_;
    std::array<Pause, 2> pauses_;
    std::array<std::uint64_t, 2> epochs_{};  // of the nodes' incarnations
    bool is_attacked_ = false;               // in this swarm, now and then
    bool lacks_memory_ = false;              // in this swarm, now and then
    Instant cut_at_{0};                      // the link was not whole until then
    std::optional<Handover> handover_;  // since its order, until it is done or comes to nothing
    std::array<std::size_t, 2> roles_seen_{};
    std::uint64_t handed_over_ = 0;
    Instant both_primary_since_{0};  // in one session; 0: they are not
};

}  // namespace twincached::simulation
