#include "test/simulation/nats/cluster_swarm.hpp"

#include <algorithm>

namespace twincached::simulation {

namespace {

BrokerHabits habits_of(lib::Random random) {
    BrokerHabits habits;
    habits.delay_most_ms = 1 + random.below(20);
    habits.unheard_percent = random.one_in(3) ? 5 : 0;
    habits.duplicate_percent = random.one_in(3) ? 10 : 0;
    habits.lost_consumer_percent = random.one_in(4) ? 1 : 0;
    return habits;
}

const KeyPool& shared_keys() {
    static const KeyPool pool(ClusterWorld::secret);
    return pool;
}

constexpr std::uint64_t life_most_s = 10;
constexpr std::int64_t clock_off_most_ms = 2000;

}  // namespace

ClusterSwarm::ClusterSwarm(std::uint64_t seed, ClusterDefect defect, const ClusterSetting& setting)
    : random_(seed),
      world_(seed, habits_of(lib::Random(seed * 7)), defect),
      nodes_(2 + static_cast<unsigned>(random_.below(3))),
      keys_(4 + static_cast<unsigned>(random_.below(60))),
      has_two_sites_(setting.has_two_sites),
      has_warm_restarts_(setting.has_warm_restarts),
      loses_streams_(random_.one_in(4)),
      overflows_(random_.one_in(4)),
      evicts_(random_.one_in(4)),
      has_short_lives_(has_warm_restarts_ && random_.one_in(3)) {
    if (setting.shares_buckets) {
        shared_buckets_ = 1 + random_.below(KeyPool::bucket_count);
        keys_ = std::min(keys_, static_cast<unsigned>(shared_buckets_ * KeyPool::keys_per_bucket));
    }
    if (overflows_) world_.options().log_bytes = 2048;
    folds_ = random_.one_in(5);
    if (folds_) world_.options().removals_bytes = 1024;
    if (random_.one_in(3)) world_.broker().payload_limit = 8192 + random_.below(20'000);
    // Each site has one node at least.
    if (has_two_sites_)
        world_.set_sites(1 + static_cast<unsigned>(random_.below((1U << nodes_) - 2)));
}

std::string ClusterSwarm::key() {
    const auto number = random_.below(keys_);
    if (shared_buckets_ == 0) return "key" + std::to_string(number);
    return shared_keys().of_bucket(number % shared_buckets_)[number / shared_buckets_];
}

void ClusterSwarm::client() {
    const auto node = static_cast<unsigned>(random_.below(nodes_));
    if (!world_.is_alive(node) || world_[node].is_still() || !world_[node].is_ready()) return;
    if (evicts_ && random_.one_in(8)) return world_[node].evict(key());
    if (has_short_lives_ && random_.one_in(3)) return set_for_a_while(node);
    const auto what = random_.below(100);
    if (what < 60) {
        const auto size = random_.one_in(20) ? random_.below(40'000) : random_.below(60);
        world_[node].set(key(), std::string(size, static_cast<char>('a' + random_.below(26))));
    } else if (what < 90) {
        world_[node].remove(key());
    } else if (what < 98 && !has_short_lives_) {
        world_[node].touch(key(), storage::Expiry::at(world_[node].now().tick() + 100'000));
    } else if (random_.one_in(10)) {
        world_[node].flush();
    }
}

// Gone when it comes to judging, and nothing older may be there instead.
void ClusterSwarm::set_for_a_while(unsigned node) {
    const auto name = key();
    const auto seconds = 1 + random_.below(life_most_s);
    const auto end = world_[node].now().tick() + static_cast<storage::Tick>(seconds);
    const auto version = world_[node].set(name, "short", storage::Expiry::at(end));
    auto& newest = world_.history().keys[name];
    newest.is_removed |= newest.version == version;
}

// Who alone has what others were not told yet, lives on.
// Another one holds what this one does. At another site that takes one of the same era: one that
// began there later has yet to compare.
bool ClusterSwarm::may_die(unsigned node) {
    const auto era = world_[node].era();
    for (unsigned other = 0; other < nodes_; ++other) {
        const bool would_do = other != node && world_.is_alive(other) &&
                              !world_[other].is_still() && world_[other].is_in_step() &&
                              (era == 0 || world_[other].era() == era);
        if (would_do) return true;
    }
    return false;
}

// Down in good order, if there is time enough; up with what it held, with a broker or without.
void ClusterSwarm::restart(unsigned node, ClusterSum& sum) {
    if (!world_.is_alive(node)) {
        const auto ahead_ms = static_cast<std::int64_t>(random_.below(2 * clock_off_most_ms));
        world_.options().clock_ahead_ms = ahead_ms - clock_off_most_ms;
        world_.start(node);
        if (random_.one_in(2)) world_.connect(node);
        return;
    }
    if (world_[node].is_still() || !world_[node].is_ready()) return;
    const bool is_all_told = world_[node].is_in_step() && random_.one_in(4);
    if (has_lost_stream_ || (!may_die(node) && !is_all_told)) return;
    ++sum.restarts;
    has_died_ = true;
    world_.stop(node, random_.below(1500));
}

void ClusterSwarm::torment(ClusterSum& sum) {
    const auto node = static_cast<unsigned>(random_.below(nodes_));
    if (has_warm_restarts_ && random_.one_in(3)) return restart(node, sum);
    const auto what = random_.below(100);
    if (!world_.is_alive(node)) {
        world_.start(node);
        world_.connect(node);
    } else if (what < 35) {
        if (world_[node].is_still()) return world_[node].go_on();
        ++sum.cuts;
        world_.cut(node);
    } else if (what < 70) {
        if (world_[node].is_still()) return world_[node].go_on();
        world_.connect(node);
    } else if (what < 80) {
        if (world_[node].is_still()) return world_[node].go_on();
        ++sum.stops;
        world_[node].stand_still();
    } else if (what < 85) {
        if (!may_die(node) || has_lost_stream_) return;
        ++sum.deaths;
        has_died_ = true;
        world_.kill(node);
    } else {
        torment_broker(sum);
    }
}

void ClusterSwarm::torment_sites(ClusterSum& sum) {
    auto& broker = world_.broker();
    const auto site = static_cast<unsigned>(random_.below(SimBroker::sites_most));
    const auto what = random_.below(100);
    if (what < 30) {
        ++sum.site_cuts;
        broker.cut_sites();
    } else if (what < 65) {
        broker.join_sites();
    } else if (what < 80) {
        broker.hold_mirror(site);
    } else if (what < 95) {
        broker.release_mirror(site);
    } else if (loses_streams_ && !has_died_) {
        ++sum.streams_lost;
        has_lost_stream_ = true;
        broker.begin_anew(site);
    }
}

void ClusterSwarm::torment_broker(ClusterSum& sum) {
    auto& broker = world_.broker();
    if (has_two_sites_ && random_.one_in(2)) return torment_sites(sum);
    const auto what = random_.below(100);
    if (what < 40) {
        broker.lose_consumer(static_cast<unsigned>(random_.below(nodes_)));
    } else if (what < 60) {
        broker.set_refusing(random_.one_in(2));
    } else if (loses_streams_ && !has_died_) {
        ++sum.streams_lost;
        has_lost_stream_ = true;
        if (what < 75) {
            broker.begin_anew();
        } else if (what < 85 && !has_two_sites_) {
            broker.set_back(1 + random_.below(5));
        } else if (what < 93) {
            broker.trim(random_.below(3000));
        } else {
            broker.take_out(1 + static_cast<unsigned>(random_.below(50)));
        }
    }
}

void ClusterSwarm::heal() {
    auto& broker = world_.broker();
    broker.set_refusing(false);
    broker.join_sites();
    for (unsigned site = 0; site < SimBroker::sites_most; ++site)
        broker.release_mirror(site);
    for (unsigned i = 0; i < nodes_; ++i) {
        if (!world_.is_alive(i)) world_.start(i);
        if (world_[i].is_still()) world_[i].go_on();
        world_.connect(i);
    }
}

std::string ClusterSwarm::judge(ClusterSum& sum) {
    heal();
    if (has_short_lives_) world_.run((life_most_s + 2) * 1000);
    if (!world_.rest()) return "the nodes do not come to rest";
    const bool is_doubt_by_rule = !has_lost_stream_ && !has_short_lives_ && !folds_;
    bool lossless = !has_lost_stream_ && !overflows_;
    for (unsigned i = 0; i < nodes_; ++i) {
        const auto report = world_[i].engine().report();
        sum.comparisons += report[replication::nats::ClusterCounter::comparisons];
        sum.removals_folded += report.removals_folded;
        lossless = lossless && report[replication::TrackingCounter::dropped_in_doubt] == 0 &&
                   report.removals_folded == 0 &&
                   report[replication::nats::ClusterCounter::comparisons] == 0;
    }
    if (lossless && !has_died_) ++sum.lossless_rests;
    if (evicts_) ++sum.evictions;
    using Losses = ClusterWorld::Losses;
    // What a node that died had dropped is not counted any more.
    const bool is_counted = shared_buckets_ == 0 || !has_died_;
    if (lossless && !evicts_ && is_counted) return world_.judge(Losses::none);
    return world_.judge(is_doubt_by_rule ? Losses::by_rule : Losses::any, evicts_);
}

std::string ClusterSwarm::run(ClusterSum& sum) {
    if (has_two_sites_) {
        ++sum.two_sites;
        if (random_.one_in(4)) world_.broker().cut_sites();
        if (random_.one_in(4)) world_.broker().hold_mirror(static_cast<unsigned>(random_.below(2)));
    }
    for (unsigned i = 0; i < nodes_; ++i) {
        world_.start(i);
        world_.connect(i);
    }
    if (has_two_sites_) {
        world_.run(random_.below(5000));
        heal();
    }
    if (!world_.rest()) return "the nodes do not begin";
    std::string verdict;
    const auto rounds = 1 + random_.below(3);
    for (unsigned round = 0; round < rounds && verdict.empty(); ++round) {
        const auto steps = 20 + random_.below(60);
        const auto calm = 1 + random_.below(10);
        for (std::uint64_t step = 0; step < steps; ++step) {
            for (auto i = random_.below(8); i > 0; --i)
                client();
            if (random_.one_in(calm)) torment(sum);
            world_.run(random_.one_in(30) ? random_.below(8000) : random_.below(100));
        }
        verdict = judge(sum);
    }
    sum.operations += world_.history().operations;
    sum.late += world_.broker().late;
    return verdict;
}

}  // namespace twincached::simulation
