// Which of the two nodes decides for both (rule A4): a seat that is taken by one at a time, and
// passed by whoever sits on it. Each time that it is passed it has another term, which both count
// from 0 in a session; what is told of it may be repeated, or come late, and changes nothing then.
//
//     deciding --give_up--> leaving --pass: all is sent--> asking --told: it was passed--> deciding
//
// A pure value, without a clock. Owned by the session's keeper; the replication thread alone uses
// it.
#pragma once

#include <cstdint>

namespace twincached::replication::pair {

class Seat {
  public:
    // `first`: this node is the primary that the two have agreed on.
    void begin(bool first) noexcept {
        end();
        in_session_ = true;
        first_ = first;
    }
    void end() noexcept { *this = Seat(); }

    // Requests of the other node's clients are executed here, and so are this node's own.
    bool decides() const noexcept { return in_session_ && is_own() && !leaves_; }
    // This node decides no more, and the other one not yet.
    bool is_leaving() const noexcept { return leaves_; }
    // Requests may be sent to the other one: it decides, as far as is known here.
    bool may_ask() const noexcept { return in_session_ && !is_own(); }

    // From now on nothing is decided here. Harmless if nothing was.
    void give_up() noexcept { leaves_ = decides() || leaves_; }
    // All that was decided here is with the other one, or before this in the stream.
    // REQUIRES: is_leaving().
    void pass() noexcept {
        ++term_;
        leaves_ = false;
    }
    // To be told to the other one whenever it changes.
    std::uint32_t term() const noexcept { return term_; }
    // The other one's. False: that cannot be, for it was not its to pass.
    [[nodiscard]] bool told(std::uint32_t term) noexcept {
        if (term <= term_) return true;
        if (is_own() || term != term_ + 1) return false;
        term_ = term;
        return true;
    }

  private:
    bool is_own() const noexcept { return (term_ % 2 == 0) == first_; }

    bool in_session_ = false;
    bool first_ = true;  // terms 0, 2, 4 ... are this node's
    bool leaves_ = false;
    std::uint32_t term_ = 0;
};

}  // namespace twincached::replication::pair
