// Two to four nodes of a cluster, whose clients, broker and network a seed torments: cuts, deaths,
// nodes that stand still, messages that are stored late, twice or without a word, consumers that
// are lost, a broker that takes nothing for a while, or has lost what it held, and, where that is
// asked for, restarts that keep the items. At rest all hold the
// same, nothing that was removed, and, where nothing was lost on purpose, all that is newest.
#pragma once

#include "test/simulation/key_pool.hpp"
#include "test/simulation/nats/cluster_world.hpp"

#include <cstdint>
#include <string>

namespace twincached::simulation {

// What has happened in some swarms: one in which nothing happens proves nothing.
struct ClusterSum {
    std::uint64_t operations = 0;
    std::uint64_t cuts = 0;
    std::uint64_t deaths = 0;
    std::uint64_t stops = 0;
    std::uint64_t late = 0;
    std::uint64_t streams_lost = 0;
    std::uint64_t lossless_rests = 0;
    std::uint64_t comparisons = 0;
    std::uint64_t removals_folded = 0;
    std::uint64_t evictions = 0;
    std::uint64_t two_sites = 0;
    std::uint64_t site_cuts = 0;
    std::uint64_t restarts = 0;
};

struct ClusterSetting {
    bool has_two_sites = false;
    bool has_warm_restarts = false;
    bool shares_buckets = false;  // many keys lie in few buckets, as in a large cache
};

class ClusterSwarm {
  public:
    explicit ClusterSwarm(std::uint64_t seed, ClusterDefect defect = ClusterDefect::none,
                          const ClusterSetting& setting = {});

    // The first rule broken, or nothing.
    std::string run(ClusterSum& sum);

  private:
    std::string key();
    void client();
    void set_for_a_while(unsigned node);
    void torment(ClusterSum& sum);
    void restart(unsigned node, ClusterSum& sum);
    void torment_broker(ClusterSum& sum);
    void torment_sites(ClusterSum& sum);
    void heal();
    bool may_die(unsigned node);
    std::string judge(ClusterSum& sum);

    lib::Random random_;
    ClusterWorld world_;
    unsigned nodes_;
    unsigned keys_;
    std::size_t shared_buckets_ = 0;  // in which all keys lie; 0: each in one of its own
    const bool has_two_sites_;
    const bool has_warm_restarts_;
    bool loses_streams_;
    bool overflows_;
    bool folds_ = false;  // more is removed than is remembered key by key
    bool evicts_;
    bool has_short_lives_;
    bool has_lost_stream_ = false;
    bool has_died_ = false;
};

}  // namespace twincached::simulation
