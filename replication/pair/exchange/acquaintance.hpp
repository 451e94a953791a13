// What a node knows of its peer and of itself: which incarnation each is, how far they have come
// with each other, and from when on they have not been able to talk. From this and the peer's
// Standing it tells whether a session may begin, or one of the two was put back to an earlier state
// (a restored snapshot, a memory file that is too old) and has to begin anew first. What a session
// carries is not its business; it holds no item and no log.
//
//      this node                                   the peer
//      epoch, past            -- HELLO -->         judges by it
//      judges by it           <-- HELLO --         epoch, past
//      begin | begin anew | wait until the peer has begun anew       (rules R12 and R15)
//
// Both judge by the same two Standings, so they never both wait. Owned by the exchange, on the
// replication strand.
#pragma once

#include "replication/pair/exchange/pair_memory.hpp"
#include "replication/pair/exchange/standing.hpp"
#include "storage/version.hpp"

#include <cstdint>

namespace twincached::replication::pair {

// What a HELLO is answered with.
enum class Meeting : std::uint8_t {
    begin,        // a session
    begin_anew,   // this node is not what the peer counts on: forget(), then say HELLO again
    let_go_anew,  // the peer is not what this node counts on; it finds out by our HELLO
};

// The incarnation with which a session begins.
enum class Encounter : std::uint8_t {
    again,   // the one that log and buckets refer to
    fresh,   // another one
    former,  // one that was followed before: a machine that was set back to before a restart
};

class Acquaintance {
  public:
    Acquaintance(std::uint64_t epoch, unsigned node) noexcept : node_(node), epoch_(epoch) {}

    // Fills in what it knows.
    void introduce(Standing& standing) const noexcept;
    // May a session begin? No state changes.
    Meeting judge(const Standing& peer) const noexcept;

    // A session begins at that version. REQUIRES: judge(peer) == Meeting::begin.
    Encounter begin(const Standing& peer, storage::Version last) noexcept;
    // It has ended: what was written up to that version the two could talk about.
    void end(storage::Version last) noexcept { split_ = last; }

    // In a session: a reliable frame of the peer's was applied; so many of ours are acknowledged;
    // so many have been sent.
    void note_applied() noexcept;
    void note_acknowledged(std::uint64_t frames) noexcept;
    void note_sent(std::uint64_t frames) noexcept { past_.sent = frames; }

    // Warm restart (rule R15). `alone`: there was no session when the node was told to stop.
    PairMemory remember(bool alone) const noexcept;
    // False: of the other node. One that was never decided is nobody's; a node that is not decided
    // becomes the one that is remembered.
    bool recall(const PairMemory& memory) noexcept;
    // The items that come back are those of a node that stood alone, without a peer and without
    // tracking. They are a new incarnation's, which was alone when it stopped (rule R15). Of two
    // such nodes one begins anew, for neither knows what it has removed.
    void adopt() noexcept { was_alone_ = adopted_ = unconfirmed_ = true; }
    // Goes on as an incarnation that has met nobody.
    void forget(std::uint64_t new_epoch) noexcept;

    // Items have come back that no peer has confirmed yet.
    bool is_unconfirmed() const noexcept { return unconfirmed_; }
    // The same, of a node that left a peer behind: it must not serve them without that one's word.
    bool needs_peers_word() const noexcept { return unconfirmed_ && !was_alone_; }
    // As a machine that was set back to a snapshot does: it does not know that it ever stopped. For
    // tests, which have no other way to set a node back.
    void believe_memory() noexcept { unconfirmed_ = false; }

    // 0 = a, 1 = b, above: not decided yet.
    unsigned node() const noexcept { return node_; }
    void decide_node(unsigned node) noexcept { node_ = node; }
    std::uint64_t epoch() const noexcept { return epoch_; }
    // What is older than this the two had the chance to talk about.
    storage::Version split() const noexcept { return split_; }

    // Another node takes the peer's place. If that one is met again, it is as one of before: what
    // it holds may be older than what was told meanwhile.
    void leave_peer() noexcept;

  private:
    struct Suspicion {
        bool self = false;  // this node was put back
        bool peer = false;
    };
    Suspicion suspect(const Standing& peer) const noexcept;
    bool is_former(std::uint64_t epoch) const noexcept;
    void hear() noexcept;

    unsigned node_;
    std::uint64_t epoch_;
    // The incarnation of the peer that log and buckets refer to (0 = none), and how far we came
    // with it. One that is left goes to the former ones, and is not followed again without doubt.
    std::uint64_t peer_epoch_ = 0;
    FormerPeers former_peers_{};
    SharedPast past_;
    std::uint64_t peer_session_ = 0;  // the peer's number of this session
    storage::Version split_ = 0;

    // Items came back from before a restart, and no session has been held since.
    bool unconfirmed_ = false;
    bool was_alone_ = false;  // REQUIRES: unconfirmed_
    bool adopted_ = false;    // the unconfirmed items are those of a node without a peer
};

// Has the node been put back to an earlier state? The other has heard of it in a later session
// than it was ever in, or more in the same one.
bool was_put_back(const SharedPast& node, const SharedPast& other) noexcept;

}  // namespace twincached::replication::pair
