// Two nodes, one key, and operations of which one node decides for both: rules A1 to A7 of
// docs/REPLICATION.md. What the model beside it shows of changes (which version wins, what a
// session's end costs) is taken for granted here: of each node there is its item, whether the peer
// lacks it, and one client who asks for one thing after the other. A plain value of fixed size.
//
//     client -> decide here                          while this node decides, or is alone
//            -> asked -> REQUEST -> decided there -> OUTCOME -> applied here -> answered
//                 '-- not sent when the session ended: decided here
//                       '-- sent when it ended, or too late: answered "unknown"
#pragma once

#include <array>
#include <cstdint>
#include <string>
#include <string_view>
#include <vector>

namespace twincached::model {

constexpr unsigned max_operations = 5;
constexpr unsigned max_queue = 4;

enum class OperationKind : std::uint8_t { increment, add, set };

enum class Progress : std::uint8_t {
    to_come,
    asked,    // to be decided elsewhere; nothing has left
    sent,     // the REQUEST is in the stream
    done,     // its client was told that it was done
    refused,  // its client was told that it was not: an add of what is there
    unknown,  // its client was told that nobody can tell
    gone,     // its client's node died with it
};

struct Operation {
    OperationKind kind = OperationKind::increment;
    std::uint8_t node = 0;  // whose client asks
    Progress progress = Progress::to_come;
};

// What a key holds: which operations made it. Version 0: nothing.
struct Holding {
    std::uint8_t version = 0;  // clock * 2 + node
    std::uint8_t effects = 0;  // a bit for each operation
};

enum class Word : std::uint8_t {
    record,
    request,
    outcome,
    not_mine,    // the answer of a node that does not decide: nothing was done
    pass,        // you decide from here on
    give_it_me,  // an operator wants the sender to decide
};

struct Message {
    Word word = Word::record;
    std::uint8_t operation = 0;
    std::uint8_t done = 0;
    Holding holding;
};

struct Queue {
    std::array<Message, max_queue> messages{};
    std::uint8_t size = 0;
};

struct AskingNode {
    Holding holding;
    std::uint8_t clock = 0;
    std::uint8_t own = 0;  // the newest version that its client knows to be its own doing
    bool unsent = false;   // the peer has not been sent what is held
    bool linked = true;
    bool decides = false;  // for both
    bool passes = false;   // it did, and has still to say that the other one does
};

enum class Wrong : std::uint8_t {
    nothing,
    executed_twice,
    two_locks,       // two adds of one key were stored, and nothing had failed
    increment_lost,  // one that was executed is not in the number, and nothing had failed
    order_swapped,   // what was decided did not see what its client had done before
    not_applied,     // a client was told of what its node does not hold yet
    unexplained,     // "unknown", and neither was the session lost nor the time over
    nodes_differ,    // at rest
    stuck,
};

struct Spent {
    std::uint8_t operations = 0;
    std::uint8_t breaks = 0;
    std::uint8_t crashes = 0;
    std::uint8_t timeouts = 0;
    std::uint8_t handovers = 0;
};

struct AskingPair {
    std::array<AskingNode, 2> nodes;
    std::array<Queue, 2> to;  // to[n] is read by n
    std::array<Operation, max_operations> operations{};
    std::uint8_t executed = 0;  // a bit for each operation
    std::uint8_t stored_adds = 0;
    Spent spent;
    Wrong wrong = Wrong::nothing;  // found while moving
};

// The ways in which the rules can be broken on purpose; each must be found out.
enum class AskingDefect : std::uint8_t {
    none,
    executed_twice_after_reconnect,
    answered_before_applied,
    order_swapped_with_a_local_set,
    decides_after_handing_over,
    decides_before_it_is_handed_over,
    handed_over_before_changes,
    late_answer_asked_again,
};

struct AskingRules {
    AskingDefect defect = AskingDefect::none;
    Spent bounds;
    bool sets = false;  // clients may set, too
};

struct AskingMove {
    std::uint8_t kind = 0;  // see the table in asking_moves.cpp
    std::uint8_t node = 0;
};

AskingPair first_pair() noexcept;
std::vector<AskingMove> all_asking_moves();
// False, and nothing has happened: the move is not possible here.
bool perform(const AskingRules& rules, const AskingMove& move, AskingPair& pair);
// One sentence.
std::string tell(const AskingMove& move);
// What is wrong with a state; `idle`: the protocol has nothing left to do in it.
Wrong check(const AskingRules& rules, const AskingPair& pair, bool idle) noexcept;
bool is_protocol(const AskingMove& move) noexcept;
std::string_view sentence_of(Wrong wrong) noexcept;

}  // namespace twincached::model
