// One state of the pair: two nodes, whatever travels between them, and how much of the bounds has
// been spent. A plain value of fixed size; it knows no rule. All keys live in one replication
// bucket, so that a node has one dirty mark and one M.
#pragma once

#include "test/model/bounds.hpp"
#include "test/model/version.hpp"

#include <array>
#include <cassert>
#include <cstdint>

namespace twincached::model {

constexpr unsigned max_keys = 2;
constexpr unsigned max_log_entries = 4;
constexpr unsigned max_window = 3;
// Per window frame one acknowledgement may stand in between, before it the request of a list, and a
// handshake adds two frames.
constexpr unsigned max_frames = 3 * max_window + 3;

// What is not yet acknowledged. The version's item is looked up when the entry is sent.
struct LogEntry {
    std::uint8_t key = 0;
    std::uint8_t sequence = 0;  // of the frame that carried it, 0 = not sent in this session
    bool whole = false;         // the peer asked for it: a TOUCH will not do
    Version version = 0;
};

// Where a node stands on the current connection.
enum class Stage : std::uint8_t {
    down,      // it has none
    greeting,  // HELLO is sent, the peer's is awaited
    readying,  // the peer's HELLO is worked in and READY sent, the peer's READY is awaited
    linked,
};

// How far a node has come with one incarnation of its peer; what tells a node that was set back to
// a snapshot of itself. Kept only in runs with rollbacks: the numbers never stop growing.
struct Progress {
    std::uint8_t session = 0;  // the latest one that it was linked in; both nodes count alike
    std::uint8_t sent = 0;     // frames sent in it
    std::uint8_t applied = 0;  // the peer's frames applied in it
    // The latest session in which it has heard anything of the peer, and how much.
    std::uint8_t heard_session = 0;
    std::uint8_t heard_applied = 0;
    std::uint8_t heard_acknowledged = 0;
};

struct Node {
    // The store.
    std::array<Version, max_keys> items{};  // 0 = absent
    std::uint8_t expired = 0;               // bit per key: its time is over, it still lies there
    Version flush = 0;                      // F
    std::uint8_t time = 0;                  // of the version clock

    // A flush to come (R14b): the latest that the node has heard of.
    Version schedule = 0;
    bool schedule_pending = false;  // it has not been carried out here, nor given up
    bool schedule_own = false;      // this node's client asked for it

    // What replication keeps.
    std::array<LogEntry, max_log_entries> log{};
    std::uint8_t log_size = 0;
    bool dirty = false;
    Version unreported = 0;         // M
    std::uint8_t walk = 0;          // sequence of the LIST or DIGEST not yet acknowledged, 0 = none
    bool list_asked = false;        // R16: the digest was another one, a LIST is to follow
    std::uint8_t epoch = 1;         // this incarnation
    std::uint8_t peer_epoch = 0;    // the incarnation that log and dirty mark refer to
    std::uint8_t former_peers = 0;  // those before it, a bit each; kept only in runs with rollbacks
    Progress progress;
    std::uint8_t next_session = 0;  // its number, once both are ready

    // Rule R15.
    bool recalled = false;   // its items came back, and no peer has confirmed them
    bool was_alone = false;  // when it stopped

    // The session. Sequence numbers count from the last acknowledged frame.
    Stage stage = Stage::down;
    Stage stale_stage = Stage::down;  // of a session that the peer has given up, unknown to us
    std::uint8_t unacknowledged = 0;
    Version flush_told = 0;
    Version schedule_told = 0;

    // For the checker: the newest version of each key that this incarnation has heard of.
    std::array<Version, max_keys> heard{};
    // For the broken rule "older than the last common point" alone.
    Version common_point = 0;
};

enum class FrameKind : std::uint8_t {
    hello,
    ready,
    item,
    touch,
    remove,
    list,
    digest,
    flush,
    schedule,
    ack,
    want,
    list_request,
};

struct Frame {
    FrameKind kind = FrameKind::hello;
    std::uint8_t key = 0;
    std::uint8_t sequence = 0;    // its own, or the last one that an ack acknowledges
    std::uint8_t wants = 0;       // bit per key, of an ack
    std::uint8_t epoch = 0;       // of a hello
    std::uint8_t peer_epoch = 0;  // of a hello
    std::uint8_t time = 0;        // of a hello
    Version version = 0;          // of the record; M of a list or a digest; F of a flush or a hello
    std::array<Version, max_keys> listed{};  // also of a digest: equal only if these are
    std::array<Version, max_keys> heard{};   // the lister's, for the checker
    Progress progress;                       // of a hello
    Version schedule = 0;                    // of a hello or a schedule
    bool schedule_pending = false;           // the same
    bool forged = false;                     // for the checker: no node has sent it like this
};

// One direction of one connection. Copies only what is in it: a search copies little else.
struct Channel {
    std::array<Frame, max_frames> frames{};
    std::uint8_t size = 0;

    Channel() = default;
    Channel(const Channel& other) noexcept { *this = other; }
    Channel& operator=(const Channel& other) noexcept {
        size = other.size;
        for (unsigned i = 0; i < size; ++i)
            frames[i] = other.frames[i];
        return *this;
    }

    bool empty() const noexcept { return size == 0; }
    void push(const Frame& frame) noexcept {
        assert(size < max_frames);
        frames[size++] = frame;
    }
    Frame take(unsigned place) noexcept {
        assert(place < size);
        const Frame frame = frames[place];
        for (unsigned i = place; i + 1 < size; ++i)
            frames[i] = frames[i + 1];
        --size;
        return frame;
    }
    void clear() noexcept { size = 0; }
};

enum class Violation : std::uint8_t {
    none,
    went_backwards,  // a node applied an older version than it had known
    freed_unheard,   // an entry was acknowledged that the peer has never heard of
    stale_item,      // at rest a node holds something else than the newest version
    deleted_alive,   // at rest a node holds an item whose newest version is a delete
    item_lost,       // at rest an item is missing though nothing was ever forgotten
    flush_differs,   // at rest the nodes differ in the flush register, or in the flush to come
    flushed_twice,   // a scheduled flush was carried out although a later one was known
    flush_missed,    // at rest its time has come, and nobody has carried it out
    poisoned,        // a clock follows a version that cannot be, or is behind a flush
    honest_refused,  // a frame was refused for its versions that a node has sent
    stuck,           // not at rest, and yet nothing is left to do
};

struct State {
    std::array<Node, 2> nodes;
    std::array<Channel, 2> to;        // the current connection: to[side] is read by side
    std::array<Channel, 2> stale_to;  // what is left of the connection before
    Events spent;
    bool is_due = false;                    // the time of scheduled flushes has come
    bool forgetful = false;                 // something was evicted, expired or dropped in doubt
    Violation violation = Violation::none;  // found while moving; never part of a stored state

    // Of the one node that may be set back.
    Node snapshot;
    std::uint8_t snapshot_of = 2;  // 2 = none was taken
};

}  // namespace twincached::model
