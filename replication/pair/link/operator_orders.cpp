#include "replication/pair/link/operator_orders.hpp"

#include <utility>

namespace twincached::replication::pair {
namespace {

// Words are numbered from 1 on the wire.
std::size_t place_of(OrderWord word) noexcept {
    return static_cast<std::size_t>(word) - 1;
}

bool is_in_session(const OrderFacts& facts) noexcept {
    return facts.state == LinkState::syncing || facts.state == LinkState::linked;
}

// What both changes of roles and comparisons need.
std::string objection_without_session(const OrderFacts& facts, std::string_view what) {
    if (!is_in_session(facts)) {
        return std::string(what) + " needs the other node, which is not there (" +
               std::string(name_of(facts.state)) + ")";
    }
    if (facts.is_legacy) {
        return std::string(what) +
               " needs another twincached: a repcached has no roles; apply = no "
               "makes this node the primary";
    }
    if (facts.peer_understands) return {};
    return std::string(what) + " needs a peer that knows of it: update the other node first";
}

// With the peer in sight a node must not become the primary of items that it does not have.
std::string objection_to_promotion(const OrderFacts& facts) {
    if (facts.is_handing_over) {
        return "this node is handing over to the other one (switchover): ask again when that is "
               "done";
    }
    if (facts.role == Role::primary && facts.serving == Serving::ready && !facts.is_stepping_back)
        return "this node is the primary already";
    if (!is_in_session(facts)) return {};
    if (facts.serving == Serving::cold) {
        return "this node does not have the other's items yet, and that one serves: wait until "
               "they are in step, or stop the other one first";
    }
    return objection_without_session(facts, "promote, with the other node in sight,");
}

// A switchover loses nothing, or is not begun.
std::string objection_to_switchover(const OrderFacts& facts) {
    auto objection = objection_without_session(facts, "switchover");
    if (!objection.empty()) {
        if (!is_in_session(facts)) objection += "; promote makes this node the primary without it";
        return objection;
    }
    if (facts.state == LinkState::linked && facts.has_what_is_here) return {};
    return "the nodes are not in step: what one of them lacks would be missed; wait until the "
           "link is LINKED";
}

}  // namespace

// Asked twice: where the order comes in, so that the operator hears it, and here when it is
// followed, since the link may have changed in between.
std::string objection_to(Order order, const OrderFacts& facts) {
    if (!facts.has_peer) return "no peer is configured: this node is alone, and the primary";
    if (facts.state == LinkState::draining) return "this node is stopping";
    switch (order) {
        case Order::promote:
            return objection_to_promotion(facts);
        case Order::switch_over:
            return objection_to_switchover(facts);
        case Order::resync:
            if (facts.is_legacy && is_in_session(facts)) return {};
            return objection_without_session(facts, "resync");
    }
    return {};
}

std::string consequence_of(Order order, const OrderFacts& facts) {
    switch (order) {
        case Order::promote:
            if (!is_in_session(facts)) return "this node becomes the primary";
            return facts.is_stepping_back
                       ? "this node stays the primary, and the other steps back again"
                       : "this node becomes the primary, and the other steps back";
        case Order::switch_over:
            return facts.role == Role::primary
                       ? "the other node becomes the primary as soon as it has what is here"
                       : "this node becomes the primary as soon as it has what is there";
        case Order::resync:
            if (facts.is_legacy)
                return "the repcached is called anew, and tells all that it holds once more";
            return "all buckets are compared with the other node's; clients are served meanwhile";
    }
    return {};
}

// REQUIRES: the thread of the link. What cannot be judged for want of memory is not followed.
void OperatorOrders::take(Order order, const OrderFacts& facts, Instant now) noexcept {
    std::string objection;
    const bool is_judged = lib::has_memory_for([&] { objection = objection_to(order, facts); });
    if (!is_judged || !objection.empty()) {
        parts_.log.note(LogLevel::warning, {"an operator's order is not followed: ", objection});
        return;
    }
    switch (order) {
        case Order::promote:
            steps_back_at_.reset();
            parts_.link.take_over(now, "by an operator");
            if (is_in_session(facts)) say(OrderWord::took_over);
            return;
        case Order::switch_over:
            if (facts.role == Role::primary) return begin_handover(now);
            parts_.log.note(LogLevel::info, {"switchover: the primary is asked to hand over"});
            return say(OrderWord::ask_for);
        case Order::resync:
            parts_.log.note(LogLevel::info, {"resync: all buckets are compared with the peer's, "
                                             "by an operator's word"});
            parts_.exchange.compare_all();
            return say(OrderWord::compare);
    }
}

// The peer's words. None is believed beyond what this node is: a secondary hands nothing over.
void OperatorOrders::on_word(OrderWord word, Instant now) noexcept {
    const bool is_primary = parts_.link.role() == Role::primary;
    switch (word) {
        case OrderWord::hand_over:
            if (is_primary) return;  // promoted meanwhile, which it has said
            parts_.link.take_over(now, "the primary handed over (switchover)");
            return say(OrderWord::took_over);
        case OrderWord::ask_for:
            if (is_primary) begin_handover(now);
            return;
        case OrderWord::took_over:
            hands_over_until_.reset();
            has_handed_over_ = false;
            parts_.arbitration.give_up();
            if (is_primary) steps_back_at_ = now + overlap;
            return;
        case OrderWord::compare:
            parts_.log.note(LogLevel::info, {"resync: all buckets are compared with the peer's, "
                                             "by an operator's word over there"});
            return parts_.exchange.compare_all();
    }
}

// What was owed to a session that is over is owed to nobody: an operator asks again.
std::optional<OrderWord> OperatorOrders::next_word(bool has_session, Instant now) noexcept {
    if (!has_session) {
        owed_ = {};
        steps_back_at_.reset();
        if (hands_over_until_) give_up("the session ended");
        return std::nullopt;
    }
    if (steps_back_at_ && now >= *steps_back_at_) {
        steps_back_at_.reset();
        parts_.link.step_back(now, "the other node took over");
    }
    if (hands_over_until_ && now >= *hands_over_until_)
        give_up("the other node did not have everything in time");
    // The word must not overtake what was accepted before the order: that is in the stream by now.
    if (hands_over_until_ && !has_handed_over_ && parts_.exchange.caught_up(0)) {
        has_handed_over_ = true;
        parts_.arbitration.give_up();
        say(OrderWord::hand_over);
    }
    for (std::size_t i = 0; i < owed_.size(); ++i) {
        if (std::exchange(owed_[i], false)) return static_cast<OrderWord>(i + 1);
    }
    return std::nullopt;
}

// Each word is owed at most once at a time, however often it was asked for.
void OperatorOrders::say(OrderWord word) noexcept {
    owed_[place_of(word)] = true;
}

// A second order during a handover is the same order.
void OperatorOrders::begin_handover(Instant now) noexcept {
    if (hands_over_until_ || steps_back_at_) return;
    hands_over_until_ = now + patience;
    has_handed_over_ = false;
    parts_.log.note(LogLevel::info,
                    {"switchover: the other node takes over as soon as it has what is here"});
}

void OperatorOrders::give_up(std::string_view why) noexcept {
    hands_over_until_.reset();
    has_handed_over_ = false;
    parts_.log.note(LogLevel::warning, {"switchover: given up: ", why, "; the roles stay"});
}

}  // namespace twincached::replication::pair
