#include "test/model/search.hpp"

#include "test/model/visited.hpp"

#include <algorithm>
#include <utility>

namespace twincached::model {

namespace {

// The states of one depth, as bytes end to end.
class Level {
  public:
    void add(std::span<const std::uint8_t> state) {
        bytes_.insert(bytes_.end(), state.begin(), state.end());
        ends_.push_back(bytes_.size());
    }
    std::span<const std::uint8_t> operator[](std::size_t i) const {
        const std::size_t begin = i == 0 ? 0 : ends_[i - 1];
        return std::span(bytes_).subspan(begin, ends_[i] - begin);
    }
    std::size_t size() const noexcept { return ends_.size(); }
    void clear() noexcept {
        bytes_.clear();
        ends_.clear();
    }

  private:
    std::vector<std::uint8_t> bytes_;
    std::vector<std::size_t> ends_;
};

// How a state was first reached: states are numbered in the order of their finding.
struct Origin {
    std::uint32_t parent;
    Move move;
};

struct Way {
    Fingerprint print;
    Origin origin;
};

class Search {
  public:
    Search(const Rules& rules, std::uint64_t most_states)
        : rules_(rules), moves_(all_moves(rules)), most_states_(most_states) {}

    Verdict run() {
        reach(first_state(rules_), Origin{0, {}});
        keep_new();
        while (next_.size() > 0) {
            std::swap(level_, next_);
            next_.clear();
            level_begin_ = origins_.size() - level_.size();
            for (std::size_t i = 0; i < level_.size(); ++i) {
                expand(i);
                if (verdict_.violation != Violation::none) return verdict_;
            }
            level_.clear();
            if (next_.size() > 0) ++verdict_.depth;
            if (origins_.size() > most_states_) {
                verdict_.complete = false;
                break;
            }
        }
        verdict_.states = origins_.size();
        return verdict_;
    }

  private:
    void expand(std::size_t place) {
        const State state = decode(level_[place], rules_.bounds);
        const auto number = static_cast<std::uint32_t>(level_begin_ + place);
        bool idle = true;
        State next = state;
        for (const Move& move : moves_) {
            if (!perform(rules_, move, next)) continue;
            idle &= !is_protocol(move.kind);
            if (next.violation != Violation::none) {
                fail(next.violation, Origin{number, move});
                return;
            }
            reach(next, Origin{number, move});
            next = state;
        }
        keep_new();
        if (is_at_rest(state)) ++verdict_.at_rest;
        const Violation violation = check(rules_, state, idle);
        if (violation != Violation::none) fail(violation, origins_[number]);
    }

    // What one state leads to is looked up together: each place of the set is far away in memory.
    void reach(const State& state, Origin origin) {
        encode(state, rules_.bounds, bytes_);
        const Fingerprint print = fingerprint(bytes_.view());
        visited_.prefetch(print);
        reached_.add(bytes_.view());
        ways_.push_back({print, origin});
    }

    void keep_new() {
        for (std::size_t i = 0; i < ways_.size(); ++i) {
            if (!visited_.insert(ways_[i].print)) continue;
            next_.add(reached_[i]);
            origins_.push_back(ways_[i].origin);
        }
        reached_.clear();
        ways_.clear();
    }

    void fail(Violation violation, Origin last) {
        verdict_.violation = violation;
        verdict_.states = origins_.size();
        for (Origin origin = last;; origin = origins_[origin.parent]) {
            verdict_.history.push_back(origin.move);
            if (origin.parent == 0) break;
        }
        std::reverse(verdict_.history.begin(), verdict_.history.end());
        verdict_.depth = static_cast<unsigned>(verdict_.history.size());
    }

    const Rules& rules_;
    const std::vector<Move> moves_;
    const std::uint64_t most_states_;
    VisitedSet visited_;
    std::vector<Origin> origins_;
    Level level_;
    Level next_;
    Level reached_;  // of the state that is expanded now, with the ways there
    std::vector<Way> ways_;
    std::size_t level_begin_ = 0;
    EncodedState bytes_;
    Verdict verdict_;
};

}  // namespace

State first_state(const Rules& rules) {
    State state;
    if (rules.bounds.linked == 0) return state;
    for (Node& node : state.nodes) {
        node.stage = Stage::linked;
        node.peer_epoch = node.epoch;
    }
    return state;
}

Verdict search(const Rules& rules, std::uint64_t most_states) {
    return Search(rules, most_states).run();
}

}  // namespace twincached::model
