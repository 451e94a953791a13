// The link of a world: how it comes up, what it carries, and all the ways in which it breaks.

#include "test/simulation/world.hpp"

#include <algorithm>

namespace twincached::simulation {

using replication::pair::ExchangeCounter;
using replication::pair::Meeting;

void World::produce(unsigned node) {
    if (!begun_[node] || (link_ != Link::up && link_ != Link::broken)) return;
    auto& exchange = nodes_[node]->exchange();
    const bool sparing = values_ == Values::large || random_.one_in(3);
    const std::size_t budget = sparing ? 1 + random_.below(300) : 1U << 16;
    lib::ByteBuffer out;
    const auto count = exchange.produce(out, budget, now(node));
    if (count != out.size()) history_.fail("produce() did not say what it did");
    look_at_answers(node);
    if (count == 0 || lost_[node]) return;
    trace(std::string(node == 0 ? "a" : "b") + " sends " + std::to_string(count));
    pipes_[node].send(out.readable(), world_ms_, random_);
}

// What the peer is said to have, it has: were this node to die now, nothing answered were lost.
void World::look_at_answers(unsigned node) {
    auto& gate = nodes_[node]->gate();
    const auto& exchange = nodes_[node]->exchange();
    auto& peer = *nodes_[1 - node];
    // A node that falls behind says so before it acknowledges anything else.
    constexpr auto in_passing = replication::pair::Exchange::entries_in_passing;
    const bool in_step = link_ == Link::up && begun_[node] && exchange.caught_up(in_passing) &&
                         peer.exchange().caught_up(in_passing);
    (void)gate.observe({in_step, exchange.lag_ms(), now(node).steady_ms});
    std::erase_if(waiting_[node], [&](const Waiting& waiting) {
        const auto degraded = gate.degraded_answers();
        const auto answer = gate.look({&waiting.ticket, 1}, waiting.generation);
        if (answer == replication::AckGate::Answer::wait) return false;
        if (gate.degraded_answers() != degraded) return true;
        ++totals_.answers;
        const bool is_there = history_.reached(1 - node, waiting.key) >= waiting.version ||
                              peer.store().flush_version() >= waiting.version ||
                              peer.exchange().stats()[ExchangeCounter::apply_nomem] > 0;
        if (!is_there) history_.fail("key " + waiting.key + ": confirmed, and not there");
        return true;
    });
}

void World::deliver(unsigned node) {
    if (!begun_[node] || (link_ != Link::up && link_ != Link::broken)) return;
    const auto bytes = pipes_[1 - node].receive(world_ms_, random_);
    if (bytes.empty()) return;
    trace(std::string(node == 0 ? "a" : "b") + " receives " + std::to_string(bytes.size()));
    if (!nodes_[node]->receive(bytes, now(node))) history_.fail("a frame was refused");
    look_at_answers(node);
}

// Nobody is told: each node finds out by itself, later.
void World::cut() {
    if (link_ == Link::down || link_ == Link::broken) return;
    enum : std::uint64_t { both_ways, one_way, end_of_stream, kinds };
    const auto kind = link_ == Link::greeting ? both_ways : random_.below(kinds);
    const auto node = static_cast<unsigned>(random_.below(2));
    trace("cut " + std::to_string(kind) + " of " + (node == 0 ? "a" : "b"));
    if (link_ == Link::up && random_.one_in(2)) {
        for (unsigned each = 0; each < 2; ++each)
            deliver(each);
    }
    link_ = Link::broken;
    lost_ = {kind == both_ways || node == 0, kind == both_ways || node == 1};
    if (kind == end_of_stream) {
        // The node closes: what it had sent arrives yet, what it was sent does not.
        lost_ = {node == 1, node == 0};
        end_session(node);
    }
    for (unsigned each = 0; each < 2; ++each) {
        // What was on its way may arrive although what follows will not.
        if (lost_[each] && (kind != one_way || random_.one_in(2))) pipes_[each].lose_everything();
    }
}

void World::end_session(unsigned node) {
    if (begun_[node]) nodes_[node]->exchange().end();
    begun_[node] = false;
    lost_[1 - node] = true;
    pipes_[1 - node].lose_everything();
}

void World::link_step() {
    const auto node = static_cast<unsigned>(random_.below(2));
    if (is_paused(node)) return;
    switch (link_) {
        case Link::up:
            return;
        case Link::broken:
            end_session(node);
            if (!begun_[1 - node]) link_ = Link::down;
            return;
        case Link::down:
            trace("greeting");
            hellos_ = {};
            for (unsigned each = 0; each < 2; ++each) {
                pipes_[each].lose_everything();
                nodes_[each]->forget_bytes();
            }
            lost_ = {};
            link_ = Link::greeting;
            greeting_since_ms_ = world_ms_;
            return;
        case Link::greeting:
            return greet(node);
    }
}

void World::greet(unsigned node) {
    if (!hellos_[node]) {
        trace(std::string(node == 0 ? "a" : "b") + " says HELLO");
        hellos_[node] = nodes_[node]->exchange().standing(now(node));
    } else if (hellos_[1 - node] && !begun_[node]) {
        auto& exchange = nodes_[node]->exchange();
        const auto meeting = exchange.acquaintance().judge(*hellos_[1 - node]);
        if (meeting != Meeting::begin) {
            // As the engine does it: the connection ends, and whoever is to begins anew.
            if (begun_[1 - node]) nodes_[1 - node]->exchange().end();
            begun_ = {};
            link_ = Link::down;
            if (meeting == Meeting::begin_anew) forget_memory(node);
            return;
        }
        if (exchange.acquaintance().is_unconfirmed()) ++totals_.confirmed;
        trace(std::string(node == 0 ? "a" : "b") + " begins");
        nodes_[node]->begin(*hellos_[1 - node], now(node));
        begun_[node] = true;
        followed_[1 - node].insert(hellos_[1 - node]->epoch);
        has_met_[node] = true;
    }
    if (!begun_[0] || !begun_[1]) return;
    ++totals_.sessions;
    longest_greeting_ms_ = std::max(longest_greeting_ms_, world_ms_ - greeting_since_ms_);
    trace("up");
    link_ = Link::up;
}

}  // namespace twincached::simulation
