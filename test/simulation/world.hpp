// A pair of nodes, a network, clients and misfortune, all from one seed. Each seed draws its own
// mixture of faults, key counts, log sizes and clocks. Whatever happens, when the link is up and
// traffic stops, both nodes must come to rest, and then each key must be, on each node, the newest
// version that any of them knew, or absent (REPLICATION.md section 15).
//
// Every step draws from a chance of its own, made of the seed and the step's number: leaving out
// one step changes nothing of the others. That is what shrink.hpp lives on.
#pragma once

#include "lib/random.hpp"
#include "test/simulation/history.hpp"
#include "test/simulation/key_pool.hpp"
#include "test/simulation/sim_net.hpp"
#include "test/simulation/sim_node.hpp"

#include <array>
#include <cstddef>
#include <cstdint>
#include <memory>
#include <optional>
#include <set>
#include <string>
#include <vector>

namespace twincached::simulation {

// Rests have numbers among those of the steps, above all of them.
inline constexpr unsigned first_rest = 1U << 30;

struct WorldOptions {
    std::uint64_t seed = 1;
    unsigned steps = 300;  // per round
    unsigned rounds = 3;
    bool all_buckets = false;  // walk all 65,536, not only those with keys
    bool trace = false;
    Defect defect = Defect::none;
    // The steps to take, rising, counted through all rounds. Nothing: all of them.
    std::optional<std::vector<unsigned>> only;
};

class World {
  public:
    World(const KeyPool& pool, const WorldOptions& options);
    // The first violation, or nothing.
    std::string run();
    // The steps up to the violation, or all.
    const std::vector<unsigned>& steps_taken() const noexcept { return steps_taken_; }

    struct Totals {
        std::uint64_t sessions = 0;
        std::uint64_t crashes = 0;
        std::uint64_t restarts = 0;   // with memory
        std::uint64_t confirmed = 0;  // of them, by the peer
        std::uint64_t forgotten = 0;
        std::uint64_t rollbacks = 0;  // of a machine, to a snapshot
        std::uint64_t scheduled = 0;  // flushes
        std::uint64_t quiescences = 0;
        std::uint64_t lossless = 0;
        std::uint64_t operations = 0;
        std::uint64_t hints = 0;    // see History
        std::uint64_t answers = 0;  // writes whose answers waited for the peer
    };
    const Totals& totals() const noexcept { return totals_; }
    const History& history() const noexcept { return history_; }

  private:
    // How likely each kind of event is, against the others.
    struct Mixture {
        unsigned set, remove, touch, arithmetic, expiring, large, flush, evict, read;
        unsigned produce, deliver, link, cut, crash, clock, maintain, pause, restart, roll_back;
    };
    // broken: at least one direction is, and at least one node has not noticed yet.
    enum class Link : std::uint8_t { down, greeting, up, broken };
    // What the clients of this world write.
    enum class Values : std::uint8_t { mixed, kilobytes, large };

    void draw_world();
    void draw_node(unsigned node, bool same_shards);
    void draw_values();
    bool takes(unsigned step);
    void start_node(unsigned number);
    storage::Now now(unsigned node) const { return clocks_[node].now(world_ms_); }
    const std::string& any_key();

    void step();
    void client_step(unsigned node, unsigned draw);
    void set(unsigned node, const std::string& key, std::size_t size, storage::Expiry expiry);
    void flush(unsigned node);
    void schedule_flush(unsigned node);
    void maintain(unsigned node);
    void look_at_answers(unsigned node);
    void produce(unsigned node);
    void deliver(unsigned node);
    void link_step();
    void cut();
    void end_session(unsigned node);
    void greet(unsigned node);
    void crash(unsigned node);
    void lose_node(unsigned node);
    void restart(unsigned node);
    void roll_back(unsigned node);
    void recall(unsigned node, const SimMemory& memory);
    bool may_serve(unsigned node);
    void forget_memory(unsigned node);
    void clock_step(unsigned node);
    void keep_clock_up(unsigned node);
    void pause(unsigned node);
    bool is_paused(unsigned node) const { return world_ms_ < paused_until_ms_[node]; }
    std::size_t any_size();
    std::size_t large_size();

    void come_to_rest();
    void settle();
    void check_schedules();
    bool at_rest();
    void check_rest();
    void check_key(const std::string& key);
    void trace(const std::string& what) const;

    const KeyPool& pool_;
    WorldOptions options_;
    lib::Random random_;
    History history_;
    Mixture mixture_{};
    std::vector<std::string> keys_;
    std::array<NodeOptions, 2> node_options_;
    std::array<SimClock, 2> clocks_;
    std::array<std::unique_ptr<SimNode>, 2> nodes_;
    std::array<SimPipe, 2> pipes_;  // by sender
    std::array<std::optional<replication::pair::Standing>, 2> hellos_;
    // A memory file that somebody has copied, to put it back when it is out of date.
    std::array<std::optional<SimMemory>, 2> copies_;
    // A snapshot of a machine; of a node whose peer still remembers the node's incarnations.
    struct Snapshot {
        std::uint64_t epoch;
        SimMemory memory;
    };
    std::array<std::optional<Snapshot>, 2> snapshots_;
    // Which incarnations of this node its peer, as it is now, has followed. One that it has never
    // met cannot be told from a node that is new.
    std::array<std::set<std::uint64_t>, 2> followed_;
    std::array<bool, 2> begun_{};
    std::array<bool, 2> has_met_{};  // its peer, in its present life
    std::array<bool, 2> lost_{};     // what this node sends gets nowhere
    std::array<std::uint64_t, 2> paused_until_ms_{};
    Link link_ = Link::down;
    Values values_ = Values::mixed;
    // Answers that wait for the peer, per node.
    struct Waiting {
        std::string key;
        storage::Version version;
        storage::Ticket ticket;
        replication::AckGate::Generation generation;
    };
    std::array<std::vector<Waiting>, 2> waiting_;
    std::vector<unsigned> steps_taken_;
    std::size_t next_only_ = 0;
    std::uint64_t world_ms_ = 0;
    std::uint64_t newest_of_the_dead_ = 0;  // version time
    std::uint64_t next_epoch_ = 100;
    std::uint64_t next_value_ = 0;
    std::uint64_t greeting_since_ms_ = 0;
    std::uint64_t longest_greeting_ms_ = 0;
    Totals totals_;
};

}  // namespace twincached::simulation
