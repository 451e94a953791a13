#include "test/simulation/nats/cluster_world.hpp"

#include "replication/nats/log/message_header.hpp"

#include <algorithm>
#include <cstdlib>
#include <utility>

namespace twincached::simulation {

using namespace replication::nats;

namespace {

constexpr std::uint64_t tick_ms = 10;

ClusterNodeOptions quick_options() {
    ClusterNodeOptions options;
    options.trace = std::getenv("CLUSTER_TRACE") != nullptr;
    options.cluster.heartbeat = std::chrono::milliseconds(200);
    options.cluster.member_timeout = std::chrono::milliseconds(5000);
    options.cluster.boot_grace = std::chrono::milliseconds(700);
    options.cluster.answer_timeout = std::chrono::milliseconds(500);
    return options;
}

}  // namespace

ClusterWorld::ClusterWorld(std::uint64_t seed, const BrokerHabits& habits, ClusterDefect defect)
    : broker_(agenda_, now_ms_, seed, habits),
      options_(quick_options()),
      defect_(defect),
      hash_(secret),
      incarnations_(seed * 1000) {
    broker_.is_number_free = [this](unsigned node) {
        if (nodes_[node] == nullptr) return false;
        for (unsigned other = 0; other < nodes_most; ++other) {
            const bool has_it = other != node && nodes_[other] != nullptr &&
                                numbers_[other] == numbers_[node] && broker_.is_connected(other);
            if (has_it) return false;
        }
        return true;
    };
    if (defect_ != ClusterDefect::late_batches_applied) return;
    // Somebody who is new says the same: first that he is there, and then what was late.
    broker_.on_late = [this](unsigned, const std::string& payload) {
        std::vector<std::string> instead;
        auto message = read_message(payload);
        if (!message) return instead;
        message->header.node = nodes_most - 1;
        message->header.session = now_ms_;
        for (std::uint64_t number = 1; number <= 2; ++number) {
            message->header.number = number;
            lib::ByteBuffer out;
            write_header(out, message->header);
            if (number == 2) out.append(message->frames);
            instead.emplace_back(out.readable());
        }
        return instead;
    };
}

void ClusterWorld::set_sites(unsigned at_second) {
    at_second_ = at_second;
    for (unsigned node = 0; node < nodes_most; ++node)
        broker_.set_site(node, at_second >> node & 1U);
}

void ClusterWorld::start(unsigned node, unsigned number) {
    auto options = options_;
    if (at_second_) {
        options.cluster.streams = {"MC_A", "MC_B"};
        if ((*at_second_ >> node & 1U) != 0)
            std::reverse(options.cluster.streams.begin(), options.cluster.streams.end());
        if ((deaf_ >> node & 1U) != 0) options.cluster.streams.resize(1);
    }
    options.cluster.node = numbers_[node] = number;
    options.cluster.incarnation = ++incarnations_;
    const auto memory = std::exchange(memories_[node], std::nullopt);
    nodes_[node] = std::make_unique<ClusterNode>(options, hash_, broker_.broker_of(node), history_,
                                                 now_ms_, memory ? &*memory : nullptr);
    broker_.set_client(node, {[this, node](const ClusterNode::Event& event) {
                           if (nodes_[node] != nullptr) nodes_[node]->call(event);
                       }});
}

void ClusterWorld::kill(unsigned node) {
    bool is_flush_known = false;
    for (unsigned i = 0; i < nodes_most; ++i) {
        const bool knows = i != node && nodes_[i] != nullptr &&
                           nodes_[i]->store().flush_version() >= history_.flush;
        is_flush_known = is_flush_known || knows;
    }
    for (const auto& [key, newest] : history_.keys)
        if (!is_flush_known || nodes_[node]->has_untold(key)) history_.excused.insert(key);
    // One that others have ceased to wait for may be the last that has what they began without.
    if (!nodes_[node]->is_in_step())
        for (const auto& [key, held] : nodes_[node]->contents())
            if (!is_held_elsewhere(node, key, held.version)) history_.excused.insert(key);
    end(node);
}

void ClusterWorld::end(unsigned node) {
    excuse_what_was_dropped();
    auto gone = std::exchange(nodes_[node], nullptr);
    broker_.disconnect(node, "dead");
}

void ClusterWorld::stop(unsigned node, std::uint64_t drain_ms) {
    nodes_[node]->drain();
    for (const auto end = now_ms_ + drain_ms; !nodes_[node]->is_drained() && now_ms_ < end;)
        run(10);
    memories_[node] = nodes_[node]->remember();
    end(node);
}

// What a node had kept, and dropped since nobody confirmed it, is lost, and with it what else it
// knew: others may not have heard of all that it had written and removed. They are still equal.
void ClusterWorld::excuse_what_was_dropped() {
    for (unsigned i = 0; i < nodes_most; ++i) {
        if (nodes_[i] == nullptr || !nodes_[i]->has_dropped_what_it_kept()) continue;
        for (const auto& [key, newest] : history_.keys)
            history_.excused.insert(key);
    }
}

bool ClusterWorld::is_held_elsewhere(unsigned node, const std::string& key,
                                     storage::Version version) {
    for (unsigned i = 0; i < nodes_most; ++i) {
        if (i == node || nodes_[i] == nullptr) continue;
        const auto contents = nodes_[i]->contents();
        const auto found = contents.find(key);
        if (found != contents.end() && found->second.version >= version) return true;
    }
    return false;
}

void ClusterWorld::run(std::uint64_t ms) {
    const auto end = now_ms_ + ms;
    while (now_ms_ < end) {
        const auto next_tick = (now_ms_ / tick_ms + 1) * tick_ms;
        if (!agenda_.empty() && agenda_.next_ms() <= std::min(next_tick, end)) {
            now_ms_ = std::max(now_ms_, agenda_.next_ms());
            agenda_.perform_next();
            if (defect_ != ClusterDefect::none) apply_defect();
            continue;
        }
        now_ms_ = std::min(next_tick, end);
        for (auto& node : nodes_)
            if (node != nullptr) node->tick();
    }
}

void ClusterWorld::apply_defect() {
    for (auto& node : nodes_) {
        if (node == nullptr) continue;
        for (unsigned i = 0; i < node->sink().changes().shard_count(); ++i) {
            node->store().with_shard(i, [&](storage::Shard&) {
                auto& removals = node->sink().removals(i);
                if (defect_ == ClusterDefect::removals_freed_at_once)
                    removals.forget([](LogPlace) { return true; });
                if (defect_ == ClusterDefect::floors_ignored) {
                    removals.turn();
                    removals.turn();
                }
            });
        }
    }
}

bool ClusterWorld::is_at_rest() {
    if (!broker_.are_mirrors_level()) return false;
    Sequence consumed = 0;
    for (unsigned i = 0; i < nodes_most; ++i) {
        if (nodes_[i] == nullptr) continue;
        if (nodes_[i]->is_still() || !nodes_[i]->is_at_rest()) return false;
        consumed = std::max(consumed, nodes_[i]->engine().report().consumed);
    }
    return true;
}

bool ClusterWorld::rest(std::uint64_t limit_ms) {
    const auto end = now_ms_ + limit_ms;
    unsigned calm = 0;
    while (now_ms_ < end && calm < 20) {
        run(37);
        calm = is_at_rest() ? calm + 1 : 0;
        if (calm == 1) run(1000);
    }
    return calm == 20;
}

std::string ClusterWorld::judge(Losses losses, bool evictions) {
    excuse_what_was_dropped();
    auto verdict = evictions ? std::string() : judge_equal();
    for (unsigned i = 0; i < nodes_most && verdict.empty(); ++i)
        if (nodes_[i] != nullptr) verdict = judge_newest(i, losses);
    return verdict;
}

std::string ClusterWorld::judge_equal() {
    std::map<std::string, ClusterNode::Held> first;
    bool has_first = false;
    for (unsigned i = 0; i < nodes_most; ++i) {
        if (nodes_[i] == nullptr) continue;
        const auto contents = nodes_[i]->contents();
        if (!std::exchange(has_first, true)) first = contents;
        const auto name = "node " + std::to_string(i);
        for (const auto& [key, held] : contents) {
            const auto other = first.find(key);
            if (other == first.end() || other->second != held)
                return key + ": " + name + " differs";
        }
        for (const auto& [key, held] : first)
            if (!contents.contains(key)) return key + ": " + name + " lacks it";
    }
    return {};
}

std::string ClusterWorld::judge_newest(unsigned node, Losses losses) {
    const auto contents = nodes_[node]->contents();
    for (const auto& [key, newest] : history_.keys) {
        if (history_.excused.contains(key)) continue;
        const auto held = contents.find(key);
        const bool is_held = held != contents.end();
        const auto name = key + ": node " + std::to_string(node);
        if (history_.is_gone(newest)) {
            if (is_held) return name + " holds what was removed";
        } else if (!is_held) {
            const bool may_be = losses == Losses::any ||
                                (losses == Losses::by_rule && history_.may_be_lacking(key, newest));
            if (!may_be) return name + " lacks the newest";
        } else if (held->second.version != newest.version) {
            return name + " holds an older one";
        }
    }
    return {};
}

}  // namespace twincached::simulation
