// What an operator tells a pair while it runs: which node is to be primary, and that all is to be
// compared again. Roles decide no data, so neither order takes a request from anybody: both nodes
// go on serving, and balancers that ask for the role move.
//
//     switchover   primary                                  secondary
//                  sends what it has, then HAND_OVER  --->  takes over
//                  steps back a second later          <---  TOOK_OVER
//     the same, told to the secondary:                <---  ASK_FOR, and then as above
//     promote, told to the secondary:                       takes over at once
//                  steps back a second later          <---  TOOK_OVER
//     resync       compares all                 COMPARE <-> compares all
//
// Who becomes primary in a session says so, once, and by that alone the other steps back: so roles
// take turns, and never are both nodes secondary, however orders cross each other on the way. Only
// who knows of the other's turn can take the next one: a secondary, or who is about to step back.
// The words travel in the stream of the data, so that what was written before HAND_OVER is there
// when it is read. Sans-I/O. Owned by the Engine; the replication thread alone calls it.
#pragma once

#include "replication/pair/arbitration/arbitration.hpp"
#include "replication/pair/exchange/exchange.hpp"
#include "replication/pair/link/control_frames.hpp"
#include "replication/pair/link/link_machine.hpp"
#include "replication/pair/link_log.hpp"
#include "replication/pair/timing.hpp"
#include "replication/replicator.hpp"

#include <array>
#include <cstddef>
#include <optional>
#include <string>

namespace twincached::replication::pair {

// By which an order is judged. Values, so that any thread may judge by a report.
struct OrderFacts {
    bool has_peer = false;
    bool peer_understands = false;  // of the session: it knows these words
    bool has_what_is_here = false;  // of the session: neither node lacks anything
    bool is_legacy = false;         // the session is with a repcached, which knows no words
    LinkState state = LinkState::listening;
    Serving serving = Serving::cold;
    Role role = Role::secondary;
    bool is_handing_over = false;   // a primary until the peer has what is here
    bool is_stepping_back = false;  // a primary for the overlap only: the peer is the next one
    Access access = Access::open;
};

// Why the order makes no sense now, as a sentence that says what to do instead; empty: it does.
std::string objection_to(Order order, const OrderFacts& facts);
// What follows from an order that does.
std::string consequence_of(Order order, const OrderFacts& facts);

class OperatorOrders {
  public:
    // A primary under more load than the link carries never has nothing to send.
    static constexpr std::chrono::seconds patience{10};
    // For so long both are primary, so that a balancer finds the new one before it leaves the old.
    static constexpr std::chrono::seconds overlap{1};

    // All must outlive it.
    struct Parts {
        LinkMachine& link;
        Exchange& exchange;
        LinkLog& log;
        Arbitration& arbitration;
    };
    explicit OperatorOrders(const Parts& parts) noexcept : parts_(parts) {}

    // `facts` are as of now: what changed since somebody judged is objected to in the log.
    void take(Order order, const OrderFacts& facts, Instant now) noexcept;
    void on_word(OrderWord word, Instant now) noexcept;
    // Told at every turn, after the data was written: what has to be said to the peer next, or
    // nothing. Without a session an order to hand over lapses.
    std::optional<OrderWord> next_word(bool has_session, Instant now) noexcept;
    bool is_handing_over() const noexcept { return hands_over_until_.has_value(); }
    bool is_stepping_back() const noexcept { return steps_back_at_.has_value(); }
    // When next_word() has something to give up at the latest.
    std::optional<Instant> deadline() const noexcept {
        return steps_back_at_ ? steps_back_at_ : hands_over_until_;
    }

  private:
    void say(OrderWord word) noexcept;
    void begin_handover(Instant now) noexcept;
    void give_up(std::string_view why) noexcept;

    const Parts parts_;
    // Of each kind at most one waits to be said.
    std::array<bool, order_words> owed_{};
    std::optional<Instant> hands_over_until_;
    std::optional<Instant> steps_back_at_;  // then nothing is handed over any more
    bool has_handed_over_ = false;          // the word is said, and was not answered yet
};

}  // namespace twincached::replication::pair
