// A pair of nodes, a network, clients and misfortune, all from one seed. Each seed draws its own
// mixture of faults, key counts, log sizes and clocks. Whatever happens, when the link is up and
// traffic stops, both nodes must come to rest, and then each key must be, on each node, the newest
// version that any of them knew, or absent (REPLICATION.md section 15).
#pragma once

#include "lib/hash.hpp"
#include "lib/random.hpp"
#include "test/simulation/history.hpp"
#include "test/simulation/sim_net.hpp"
#include "test/simulation/sim_node.hpp"

#include <array>
#include <cstddef>
#include <cstdint>
#include <memory>
#include <optional>
#include <string>
#include <vector>

namespace twincached::simulation {

// Keys that lie in few buckets; found once, they serve all seeds.
class KeyPool {
  public:
    KeyPool();
    static constexpr std::size_t bucket_count = 4;
    static constexpr std::size_t keys_per_bucket = 16;
    const lib::KeyedHash& hash() const noexcept { return hash_; }
    const std::vector<std::string>& of_bucket(std::size_t i) const { return keys_[i]; }
    storage::BucketNumber bucket(std::size_t i) const noexcept { return buckets_[i]; }

  private:
    lib::KeyedHash hash_;
    std::array<storage::BucketNumber, bucket_count> buckets_;
    std::array<std::vector<std::string>, bucket_count> keys_;
};

struct WorldOptions {
    std::uint64_t seed = 1;
    unsigned steps = 300;  // per round
    unsigned rounds = 3;
    bool all_buckets = false;  // walk all 65,536, not only those with keys
    bool trace = false;
};

class World {
  public:
    World(const KeyPool& pool, const WorldOptions& options);
    // The first violation, or nothing.
    std::string run();

    struct Totals {
        std::uint64_t sessions = 0;
        std::uint64_t crashes = 0;
        std::uint64_t quiescences = 0;
        std::uint64_t lossless = 0;
        std::uint64_t operations = 0;
    };
    const Totals& totals() const noexcept { return totals_; }
    const History& history() const noexcept { return history_; }

  private:
    // How likely each kind of event is, against the others.
    struct Mixture {
        unsigned set, remove, touch, arithmetic, expiring, large, flush, evict;
        unsigned produce, deliver, link, cut, crash, clock, maintain;
    };
    enum class Link : std::uint8_t { down, greeting, up, broken };

    void draw_world();
    void start_node(unsigned number);
    storage::Now now(unsigned node) const { return clocks_[node].now(world_ms_); }
    const std::string& any_key();

    void step();
    void client_step(unsigned node, unsigned draw);
    void set(unsigned node, const std::string& key, std::size_t size, storage::Expiry expiry);
    void flush(unsigned node);
    void produce(unsigned node);
    void deliver(unsigned node);
    void link_step();
    void cut();
    void crash(unsigned node);
    void clock_step(unsigned node);

    void come_to_rest();
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
    std::array<std::optional<replication::pair::Hello>, 2> hellos_;
    std::array<bool, 2> begun_{};
    Link link_ = Link::down;
    std::uint64_t world_ms_ = 0;
    std::uint64_t next_epoch_ = 100;
    std::uint64_t next_value_ = 0;
    std::uint64_t greeting_since_ms_ = 0;
    std::uint64_t longest_greeting_ms_ = 0;
    Totals totals_;
};

}  // namespace twincached::simulation
