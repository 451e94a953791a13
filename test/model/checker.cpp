#include "test/model/checker.hpp"

#include <algorithm>

namespace twincached::model {

namespace {

bool is_linked(const State& state) noexcept {
    for (Side side = 0; side < 2; ++side) {
        const Node& node = state.nodes[side];
        if (node.stage != Stage::linked || node.stale_stage != Stage::down) return false;
    }
    return true;
}

bool holds(const Node& node, unsigned key) noexcept {
    return node.items[key] != 0 && (node.expired >> key & 1U) == 0;
}

// P2: for every key each node holds the newest version or nothing, never an older one.
Violation check_key(const State& state, unsigned key) noexcept {
    const Version newest = std::max(state.nodes[0].heard[key], state.nodes[1].heard[key]);
    for (const Node& node : state.nodes) {
        if (!holds(node, key)) {
            const bool nothing_there = newest == 0 || is_delete(newest);
            if (!nothing_there && !state.forgetful) return Violation::item_lost;
            continue;
        }
        if (is_delete(newest)) return Violation::deleted_alive;
        if (node.items[key] != newest) return Violation::stale_item;
    }
    return Violation::none;
}

bool has_connection(const State& state) noexcept {
    return state.nodes[0].stage != Stage::down && state.nodes[1].stage != Stage::down;
}

}  // namespace

bool is_at_rest(const State& state) noexcept {
    if (!is_linked(state)) return false;
    for (Side side = 0; side < 2; ++side) {
        const Node& node = state.nodes[side];
        if (!state.to[side].empty() || !state.stale_to[side].empty()) return false;
        if (node.log_size > 0 || node.dirty || node.walk != 0) return false;
        if (node.flush_told < node.flush || node.schedule_told < node.schedule) return false;
        if (state.is_due && node.schedule_pending) return false;
    }
    return true;
}

Violation check(const Rules& rules, const State& state, bool idle) noexcept {
    if (!is_at_rest(state))
        return idle && has_connection(state) ? Violation::stuck : Violation::none;
    if (state.nodes[0].flush != state.nodes[1].flush) return Violation::flush_differs;
    if (state.nodes[0].schedule != state.nodes[1].schedule) return Violation::flush_differs;
    for (const Node& node : state.nodes)
        if (state.is_due && node.schedule > node.flush) return Violation::flush_missed;
    for (unsigned key = 0; key < rules.bounds.keys; ++key) {
        const Violation violation = check_key(state, key);
        if (violation != Violation::none) return violation;
    }
    return Violation::none;
}

std::string_view sentence_of(Violation violation) noexcept {
    switch (violation) {
        case Violation::none:
            return "nothing is wrong";
        case Violation::went_backwards:
            return "a node applied an older version than it had known";
        case Violation::freed_unheard:
            return "a change was taken for acknowledged that the peer has never heard of";
        case Violation::stale_item:
            return "at rest a node holds an item that is not the newest";
        case Violation::deleted_alive:
            return "at rest a node holds an item that was deleted";
        case Violation::item_lost:
            return "at rest an item is missing though nothing was ever forgotten";
        case Violation::flush_differs:
            return "at rest the nodes differ in the flush register, or in the flush to come";
        case Violation::flushed_twice:
            return "a scheduled flush was carried out although a later one was known";
        case Violation::flush_missed:
            return "at rest the time of a scheduled flush has come, and nobody has carried it out";
        case Violation::poisoned:
            return "a node's clock follows what cannot be, or has not passed the flush it heard of";
        case Violation::honest_refused:
            return "a frame was refused for its versions that an honest node has sent";
        case Violation::stuck:
            return "the pair is not at rest and has nothing left to do";
    }
    return "";
}

}  // namespace twincached::model
