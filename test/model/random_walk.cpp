#include "test/model/random_walk.hpp"

#include "lib/random.hpp"

namespace twincached::model {

namespace {

// Longer than any history in which every event of the usual bounds happens.
constexpr unsigned longest_walk = 600;

// Each walk draws how eager the protocol is against the world: 0 = no preference, up to 3 of 4.
bool is_preferred(MoveKind kind) noexcept {
    return is_protocol(kind) || kind == MoveKind::dial;
}

class Walk {
  public:
    Walk(const Rules& rules, const std::vector<Move>& moves, std::uint64_t seed)
        : rules_(rules),
          moves_(moves),
          random_(seed),
          eagerness_(random_.below(4)),
          state_(first_state(rules)) {}

    // Returns the number of steps taken; `verdict` tells the rest.
    std::uint64_t run(Verdict& verdict) {
        for (unsigned step = 0; step < longest_walk; ++step) {
            const bool idle = collect();
            if (is_at_rest(state_)) ++verdict.at_rest;
            Violation violation = check(rules_, state_, idle);
            if (violation == Violation::none && possible_.empty()) return step;
            if (violation == Violation::none) {
                const Move chosen = choose();
                verdict.history.push_back(chosen);
                perform(rules_, chosen, state_);
                violation = state_.violation;
            }
            if (violation != Violation::none) {
                verdict.violation = violation;
                return step + 1;
            }
        }
        return longest_walk;
    }

  private:
    // All that can happen next; true if the protocol has nothing to do.
    bool collect() {
        bool idle = true;
        possible_.clear();
        State next = state_;
        for (const Move& move : moves_) {
            if (!perform(rules_, move, next)) continue;
            idle &= !is_protocol(move.kind);
            possible_.push_back(move);
            next = state_;
        }
        return idle;
    }

    Move choose() {
        const bool prefer = random_.below(4) < eagerness_;
        for (unsigned attempt = 0; prefer && attempt < 6; ++attempt) {
            const Move move = possible_[random_.below(possible_.size())];
            if (is_preferred(move.kind)) return move;
        }
        return possible_[random_.below(possible_.size())];
    }

    const Rules& rules_;
    const std::vector<Move>& moves_;
    lib::Random random_;
    std::uint64_t eagerness_;
    State state_;
    std::vector<Move> possible_;
};

}  // namespace

Verdict random_walk(const Rules& rules, std::uint64_t steps, std::uint64_t seed) {
    const std::vector<Move> moves = all_moves(rules);
    Verdict verdict;
    verdict.complete = false;
    for (verdict.seed = seed; verdict.states < steps; ++verdict.seed) {
        verdict.history.clear();
        verdict.states += Walk(rules, moves, verdict.seed).run(verdict);
        verdict.depth = static_cast<unsigned>(verdict.history.size());
        if (verdict.violation != Violation::none) return verdict;
    }
    return verdict;
}

}  // namespace twincached::model
