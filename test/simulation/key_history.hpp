// What clients of both nodes have asked of one key, and what they were told. It judges whether one
// order explains all answers: every request took effect at once, somewhere between its asking and
// its answer (the key is a register: "linearizable"). Search with memory of what was tried; made
// for some dozens of requests, few of which overlap.
#pragma once

#include <cstdint>
#include <optional>
#include <set>
#include <string>
#include <utility>
#include <vector>

namespace twincached::simulation {

enum class CallKind : std::uint8_t { add, append, compare_and_set, set, remove };

struct Call {
    CallKind kind = CallKind::set;
    std::string text;      // what it stores, or appends; no two calls have the same
    std::string expected;  // of compare_and_set: what the key holds
    bool is_done = false;  // as the client was told
    // In the order in which all of it happened.
    std::uint64_t asked = 0;
    std::uint64_t answered = 0;
};

class KeyHistory {
  public:
    static constexpr std::size_t limit = 64;

    // What has not been answered is left out: REQUIRES that it had no effect, or that nobody asks.
    void note(Call call) { calls_.push_back(std::move(call)); }
    bool is_full() const noexcept { return calls_.size() >= limit; }
    std::size_t size() const noexcept { return calls_.size(); }

    // From an absent key. `held`: what the key holds at the end; nothing: it is absent.
    bool is_linearizable(const std::optional<std::string>& held) const;

  private:
    using Held = std::optional<std::string>;
    using Tried = std::set<std::pair<std::uint64_t, Held>>;

    // False: it cannot have been answered so then.
    static bool apply(const Call& call, Held& held);
    bool search(std::uint64_t left, const Held& now, const Held& at_end, Tried& tried) const;

    std::vector<Call> calls_;
};

}  // namespace twincached::simulation
