// A cluster, its broker and the time. What happens is the caller's: a swarm's seed, or a scenario.
#pragma once

#include "test/simulation/nats/cluster_node.hpp"
#include "test/simulation/nats/sim_broker.hpp"
#include "test/unit/rounds.hpp"

#include <array>
#include <cstdint>
#include <memory>
#include <optional>
#include <string>
#include <string_view>

namespace twincached::simulation {

// Of the moments, or seeds, that a scenario goes through.
inline constexpr unsigned each_nth = test::rounds(1U, 4U);

// A cluster that is broken on purpose: whoever checks must find out.
enum class ClusterDefect : std::uint8_t {
    none,
    removals_freed_at_once,  // whatever others have read
    late_batches_applied,    // as if they came from the session that is
    floors_ignored,          // what no room was for among the removals is forgotten
};

class ClusterWorld {
  public:
    static constexpr std::string_view secret = "secret";
    static constexpr unsigned nodes_most = SimBroker::nodes_most;

    explicit ClusterWorld(std::uint64_t seed, const BrokerHabits& habits = {},
                          ClusterDefect defect = ClusterDefect::none);

    ClusterNodeOptions& options() { return options_; }  // of nodes to come
    // Nodes are at two sites from now on: a bit for each that is at the second. Before any starts.
    void set_sites(unsigned at_second);
    // Those of them who start from now on do not read the other site's stream: a bit for each.
    void set_deaf(unsigned nodes) { deaf_ = nodes; }

    void start(unsigned node) { start(node, node); }
    void start(unsigned node, unsigned number);  // that it was given
    void kill(unsigned node);                    // what it alone knew is lost
    // In good order, if it gets there in that time; what it leaves is there at its next start.
    void stop(unsigned node, std::uint64_t drain_ms);
    bool is_alive(unsigned node) const { return nodes_[node] != nullptr; }
    ClusterNode& operator[](unsigned node) { return *nodes_[node]; }
    void connect(unsigned node) { broker_.connect(node); }
    void cut(unsigned node) { broker_.disconnect(node, "cut"); }
    SimBroker& broker() { return broker_; }
    ClusterHistory& history() { return history_; }
    std::uint64_t now_ms() const { return now_ms_; }

    void run(std::uint64_t ms);
    // Until all that live and are connected are in step and at rest, for some heartbeats. False:
    // they are not after so long.
    bool rest(std::uint64_t limit_ms = 60'000);
    // What a node may lack of the newest: nothing, what the rules name, or what it likes.
    enum class Losses : std::uint8_t { none, by_rule, any };
    // The first thing that is wrong at rest, or nothing. `evictions`: nodes need not hold the same.
    std::string judge(Losses losses = Losses::none, bool evictions = false);

  private:
    void end(unsigned node);
    void excuse_what_was_dropped();
    bool is_at_rest();
    bool is_held_elsewhere(unsigned node, const std::string& key, storage::Version version);
    std::string judge_equal();
    std::string judge_newest(unsigned node, Losses losses);
    void apply_defect();

    std::uint64_t now_ms_ = 1000;
    Agenda agenda_;
    SimBroker broker_;
    ClusterHistory history_;
    ClusterNodeOptions options_;
    const ClusterDefect defect_;
    const lib::KeyedHash hash_;
    std::uint64_t incarnations_;
    std::optional<unsigned> at_second_;  // nothing: there is one site
    unsigned deaf_ = 0;
    std::array<std::unique_ptr<ClusterNode>, nodes_most> nodes_;
    std::array<std::optional<SimMemory>, nodes_most> memories_;
    std::array<unsigned, nodes_most> numbers_{};
};

}  // namespace twincached::simulation
