// Three nodes of a cluster, one key, and one log that each reads by itself: what the rules for more
// than two nodes say, and nothing else. A node holds a version of the key or none, remembers a
// removal until all others have said in the log that they have come past it, and says what it has
// changed as one batch at a time. docs/MORE_NODES.md tells what that promises.
#pragma once

#include <array>
#include <cstdint>
#include <string>
#include <vector>

namespace twincached::model::cluster {

constexpr unsigned nodes = 3;

enum class Defect : std::uint8_t {
    none,
    freed_at_once,       // a removal is forgotten as soon as it is read
    late_batch_applied,  // what a session that is over had to say counts
                         // read
    no_observe,          // the clock does not follow the versions that it reads
    own_removal_untold,  // a removal that has its place in the log is not kept by who made it
};

struct Bounds {
    unsigned changes = 3;
    unsigned words = 3;  // of life, without data
    unsigned breaks = 1;
};

struct Message {
    std::uint8_t origin = 0;
    std::uint8_t session = 0;
    std::uint8_t version = 0;  // 0: a word of life
    bool is_removal = false;
    std::uint8_t consumed = 0;  // how far its node had come when it read what it says

    bool operator==(const Message&) const = default;
};

struct Node {
    std::uint8_t clock = 0;
    std::uint8_t held = 0;     // version
    std::uint8_t untold = 0;   // version of the change that has no place in the log
    std::uint8_t removed = 0;  // kept removal, and its place
    std::uint8_t place = 0;
    std::uint8_t consumed = 0;    // messages
    std::uint8_t must_reach = 0;  // before it may say anything
    std::uint8_t session = 1;
    bool is_on_its_way = false;
    std::uint8_t stored_at = 0;  // of the batch on its way; 0: not stored yet
    Message batch;
    std::array<std::uint8_t, nodes> floors{};    // as heard
    std::array<std::uint8_t, nodes> sessions{};  // as heard

    bool operator==(const Node&) const = default;
};

struct State {
    std::array<Node, nodes> node;
    std::vector<Message> log;
    std::vector<Message> late;  // of sessions that are over
    std::uint8_t changes = 0;
    std::uint8_t words = 0;
    std::uint8_t breaks = 0;
    std::uint8_t newest = 0;
    bool is_newest_removal = false;

    // The same for equal states only.
    std::string key() const;
};

struct Move {
    enum class Kind : std::uint8_t {
        set,
        remove,
        make,    // a batch, of what is untold
        say,     // a word of life
        store,   // the batch gets its place
        lose,    // the connection, before the batch is stored
        arrive,  // what was lost comes late
        consume,
    };
    Kind kind;
    unsigned node = 0;
};

std::vector<Move> moves_of(const State& state, const Bounds& bounds);
State after(State state, const Move& move, Defect defect);
// Nothing is on its way, all is read: what is wrong then, or nothing.
std::string judge(const State& state);
std::string name_of(const Move& move);

}  // namespace twincached::model::cluster
