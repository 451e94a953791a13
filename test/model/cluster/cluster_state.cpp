#include "test/model/cluster/cluster_state.hpp"

#include <algorithm>

namespace twincached::model::cluster {
namespace {

// The counter, and whose it is: as storage/version.hpp, in eight bits.
std::uint8_t next_version(Node& node, unsigned number) {
    ++node.clock;
    return static_cast<std::uint8_t>(node.clock * 4 + number);
}

unsigned origin_of(std::uint8_t version) {
    return version % 4;
}

void observe(Node& node, std::uint8_t version) {
    node.clock = std::max<std::uint8_t>(node.clock, version / 4);
}

void keep(Node& node, std::uint8_t version, std::uint8_t place) {
    if (version <= node.removed) return;
    node.removed = version;
    node.place = place;
}

// All others have said that they have come past it.
void free_removal(Node& node, unsigned number, Defect defect) {
    bool have_passed = true;
    for (unsigned other = 0; other < nodes; ++other)
        if (other != number && node.floors[other] < node.place) have_passed = false;
    if (have_passed || defect == Defect::freed_at_once) node.removed = node.place = 0;
}

void change(State& state, unsigned number, bool is_removal) {
    auto& node = state.node[number];
    const auto version = next_version(node, number);
    node.held = is_removal ? std::uint8_t{0} : version;
    node.untold = version;
    ++state.changes;
    if (version > state.newest) {
        state.newest = version;
        state.is_newest_removal = is_removal;
    }
}

// The value is read now: what is held, if that is this node's own, else the removal (R3).
void make(State& state, unsigned number) {
    auto& node = state.node[number];
    if (node.held >= node.untold && origin_of(node.held) != number) {
        node.untold = 0;  // the other's stands in the log already
        return;
    }
    const bool is_removal = node.held < node.untold;
    node.batch = {static_cast<std::uint8_t>(number), node.session,
                  is_removal ? node.untold : node.held, is_removal, node.consumed};
    node.is_on_its_way = true;
    node.stored_at = 0;
}

// It has read its own batch in the log; that the batch is stored tells it nothing.
void confirm(Node& node, unsigned number, Defect defect) {
    if (node.batch.is_removal && defect != Defect::own_removal_untold)
        keep(node, node.batch.version, node.stored_at);
    if (node.untold == node.batch.version) node.untold = 0;
    node.is_on_its_way = false;
    free_removal(node, number, defect);
}

void consume(State& state, unsigned number, Defect defect) {
    auto& node = state.node[number];
    const auto message = state.log[node.consumed++];
    if (message.origin == number) {
        if (node.is_on_its_way && node.stored_at == node.consumed) confirm(node, number, defect);
        return;
    }
    const bool is_late = message.session < node.sessions[message.origin];
    if (is_late && defect != Defect::late_batch_applied) return;
    node.sessions[message.origin] = std::max(node.sessions[message.origin], message.session);
    node.floors[message.origin] = std::max(node.floors[message.origin], message.consumed);
    if (defect != Defect::no_observe) observe(node, message.version);
    if (message.version != 0) {
        const auto known = std::max({node.held, node.removed, node.untold});
        if (message.is_removal) {
            if (message.version > node.held) node.held = 0;
            keep(node, message.version, node.consumed);
        } else if (message.version > known) {
            node.held = message.version;
        }
    }
    free_removal(node, number, defect);
}

// Nothing is sent twice: what was on its way is untold again, and made anew. It may come late.
void lose(State& state, unsigned number) {
    auto& node = state.node[number];
    ++state.breaks;
    if (node.stored_at == 0) state.late.push_back(node.batch);
    node.untold = std::max(node.untold, node.batch.version);
    node.is_on_its_way = false;
    ++node.session;
    node.must_reach = static_cast<std::uint8_t>(state.log.size());
}

bool may_speak(const Node& node) {
    return !node.is_on_its_way && node.consumed >= node.must_reach;
}

}  // namespace

std::string State::key() const {
    std::string key;
    const auto add = [&](unsigned value) { key.push_back(static_cast<char>(value)); };
    const auto add_message = [&](const Message& message) {
        add(message.origin + 8U * message.session);
        add(message.version);
        add(message.consumed + (message.is_removal ? 128U : 0U));
    };
    for (const auto& one : node) {
        for (const auto value : {one.clock, one.held, one.untold, one.removed, one.place,
                                 one.consumed, one.must_reach, one.session, one.stored_at})
            add(value);
        add(one.is_on_its_way ? 1 : 0);
        if (one.is_on_its_way) add_message(one.batch);
        for (unsigned other = 0; other < nodes; ++other)
            add(one.floors[other] + 32U * one.sessions[other]);
    }
    add(static_cast<unsigned>(log.size()));
    for (const auto& message : log)
        add_message(message);
    for (const auto& message : late)
        add_message(message);
    for (const auto value : {changes, words, breaks, newest})
        add(value);
    add(is_newest_removal ? 1 : 0);
    return key;
}

std::vector<Move> moves_of(const State& state, const Bounds& bounds) {
    using Kind = Move::Kind;
    std::vector<Move> moves;
    for (unsigned i = 0; i < nodes; ++i) {
        const auto& node = state.node[i];
        if (state.changes < bounds.changes) {
            moves.push_back({Kind::set, i});
            moves.push_back({Kind::remove, i});
        }
        if (may_speak(node) && node.untold != 0) moves.push_back({Kind::make, i});
        if (may_speak(node) && state.words < bounds.words) moves.push_back({Kind::say, i});
        if (node.is_on_its_way && node.stored_at == 0) moves.push_back({Kind::store, i});
        if (node.is_on_its_way && state.breaks < bounds.breaks) moves.push_back({Kind::lose, i});
        if (node.consumed < state.log.size()) moves.push_back({Kind::consume, i});
    }
    if (!state.late.empty()) moves.push_back({Kind::arrive, 0});
    return moves;
}

State after(State state, const Move& move, Defect defect) {
    using Kind = Move::Kind;
    auto& node = state.node[move.node];
    switch (move.kind) {
        case Kind::set:
        case Kind::remove:
            change(state, move.node, move.kind == Kind::remove);
            break;
        case Kind::make:
            make(state, move.node);
            break;
        case Kind::say:
            ++state.words;
            state.log.push_back(
                {static_cast<std::uint8_t>(move.node), node.session, 0, false, node.consumed});
            break;
        case Kind::store:
            state.log.push_back(node.batch);
            node.stored_at = static_cast<std::uint8_t>(state.log.size());
            break;
        case Kind::lose:
            lose(state, move.node);
            break;
        case Kind::arrive:
            state.log.push_back(state.late.back());
            state.late.pop_back();
            break;
        case Kind::consume:
            consume(state, move.node, defect);
            break;
    }
    return state;
}

std::string judge(const State& state) {
    for (const auto& node : state.node) {
        const bool is_at_rest =
            node.untold == 0 && !node.is_on_its_way && node.consumed == state.log.size();
        if (!is_at_rest) return {};
    }
    if (!state.late.empty()) return {};
    const auto expected = state.is_newest_removal ? std::uint8_t{0} : state.newest;
    for (unsigned i = 0; i < nodes; ++i) {
        const auto held = state.node[i].held;
        if (held == expected) continue;
        return "node " + std::to_string(i) + " holds " + std::to_string(held) + ", not " +
               std::to_string(expected);
    }
    return {};
}

std::string name_of(const Move& move) {
    constexpr const char* names[] = {"sets",          "removes",
                                     "makes a batch", "says that it lives",
                                     "is stored",     "loses its connection",
                                     "arrives late",  "reads"};
    return "node " + std::to_string(move.node) + " " + names[static_cast<std::size_t>(move.kind)];
}

}  // namespace twincached::model::cluster
