#include "test/simulation/key_history.hpp"

#include <algorithm>
#include <limits>

namespace twincached::simulation {

bool KeyHistory::apply(const Call& call, Held& held) {
    const bool is_there = held.has_value();
    switch (call.kind) {
        case CallKind::add:
            if (call.is_done != !is_there) return false;
            if (call.is_done) held = call.text;
            return true;
        case CallKind::append:
            if (call.is_done != is_there) return false;
            if (call.is_done) *held += call.text;
            return true;
        case CallKind::compare_and_set:
            if (call.is_done != (held == call.expected)) return false;
            if (call.is_done) held = call.text;
            return true;
        case CallKind::set:
            held = call.text;
            return call.is_done;
        case CallKind::remove:
            held.reset();
            return call.is_done == is_there;
    }
    return false;
}

// What was answered before another was asked goes before it.
bool KeyHistory::search(std::uint64_t left, const Held& now, const Held& at_end,
                        Tried& tried) const {
    if (left == 0) return now == at_end;
    if (!tried.emplace(left, now).second) return false;
    const auto is_left = [left](std::size_t i) { return (left >> i & 1U) != 0; };
    auto first_answer = std::numeric_limits<std::uint64_t>::max();
    for (std::size_t i = 0; i < calls_.size(); ++i)
        if (is_left(i)) first_answer = std::min(first_answer, calls_[i].answered);
    for (std::size_t i = 0; i < calls_.size(); ++i) {
        if (!is_left(i) || calls_[i].asked > first_answer) continue;
        auto next = now;
        if (!apply(calls_[i], next)) continue;
        if (search(left & ~(std::uint64_t{1} << i), next, at_end, tried)) return true;
    }
    return false;
}

bool KeyHistory::is_linearizable(const std::optional<std::string>& held) const {
    if (calls_.size() > limit) return false;
    const auto all = calls_.size() == limit ? std::numeric_limits<std::uint64_t>::max()
                                            : (std::uint64_t{1} << calls_.size()) - 1;
    Tried tried;
    return search(all, {}, held, tried);
}

}  // namespace twincached::simulation
