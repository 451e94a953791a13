#include "replication/pair/exchange/acquaintance.hpp"

#include <algorithm>
#include <utility>

namespace twincached::replication::pair {

void Acquaintance::introduce(Standing& standing) const noexcept {
    standing.epoch = epoch_;
    standing.peer_epoch = peer_epoch_;
    standing.past = past_;
    if (adopted_) standing.capabilities |= capability_adopted;
}

// One that was put back to an earlier state does not know what it did and heard since; what it
// holds may have been deleted or replaced. In doubt, forget: it begins anew, empty, and the other,
// who can tell from the same two HELLOs, waits for that. (Rules R12 and R15.)
Meeting Acquaintance::judge(const Standing& peer) const noexcept {
    const auto put_back = suspect(peer);
    if (unconfirmed_) {
        const bool same_peer = peer.epoch == peer_epoch_;
        const bool knows_us = peer.peer_epoch == epoch_;
        const bool peer_has_heard = peer.past.heard_session != 0;
        // A peer that has not heard of this incarnation in any session may have taken its name from
        // a HELLO of an older memory. The last one to serve may meet one that begins from nothing.
        const bool confirmed =
            same_peer ? knows_us && peer_has_heard : was_alone_ && peer.peer_epoch == 0;
        if (!confirmed || put_back.peer) return Meeting::begin_anew;
        // Nothing says in which order two nodes that stood alone have changed what both hold.
        const bool peer_adopted = (peer.capabilities & capability_adopted) != 0;
        if (adopted_ && peer_adopted && node_ != 0) return Meeting::begin_anew;
    }
    if (put_back.self) return Meeting::begin_anew;
    return put_back.peer ? Meeting::let_go_anew : Meeting::begin;
}

Acquaintance::Suspicion Acquaintance::suspect(const Standing& peer) const noexcept {
    const bool same_peer = peer.epoch == peer_epoch_;
    const bool knows_us = peer.peer_epoch == epoch_;
    if (same_peer && knows_us) {
        return {was_put_back(past_, peer.past), was_put_back(peer.past, past_)};
    }
    if (same_peer && past_.heard_session != 0) {
        // It has followed another incarnation of us, later; or it has yet to find out about us.
        const bool later = peer.past.session >= past_.heard_session;
        const bool self = peer.peer_epoch != 0 && later;
        return {self, !self};
    }
    // It has heard of us in a session that we do not know of.
    const bool unknown_session = !same_peer && knows_us && peer.past.heard_session != 0;
    return {unknown_session && !is_former(peer.epoch), false};
}

Encounter Acquaintance::begin(const Standing& peer, storage::Version last) noexcept {
    unconfirmed_ = adopted_ = false;
    if (split_ == 0) split_ = last;
    auto encounter = Encounter::again;
    if (peer.epoch != peer_epoch_) {
        encounter = is_former(peer.epoch) ? Encounter::former : Encounter::fresh;
        leave_peer();
        peer_epoch_ = peer.epoch;
        // Our HELLO has been numbered already: the sessions go on counting.
        past_ = {.session = past_.session};
    }
    ++past_.session;
    past_.sent = past_.applied = 0;
    peer_session_ = peer.past.session + 1;
    return encounter;
}

bool Acquaintance::is_former(std::uint64_t epoch) const noexcept {
    return std::find(former_peers_.begin(), former_peers_.end(), epoch) != former_peers_.end();
}

void Acquaintance::leave_peer() noexcept {
    if (peer_epoch_ == 0) return;
    std::move(former_peers_.begin() + 1, former_peers_.end(), former_peers_.begin());
    former_peers_.back() = std::exchange(peer_epoch_, 0);
}

// The peer is there, in this session: only now do the numbers of the one before lose their meaning.
void Acquaintance::hear() noexcept {
    if (past_.heard_session == peer_session_) return;
    past_.heard_session = peer_session_;
    past_.heard_applied = past_.heard_acked = 0;
}

void Acquaintance::note_applied() noexcept {
    hear();
    ++past_.applied;
    ++past_.heard_applied;
}

void Acquaintance::note_acknowledged(std::uint64_t frames) noexcept {
    hear();
    past_.heard_acked = frames;
}

PairMemory Acquaintance::remember(bool alone) const noexcept {
    const bool left_a_peer = needs_peers_word();
    return {.epoch = epoch_,
            .node = node_,
            .peer_epoch = peer_epoch_,
            .former_peers = former_peers_,
            .past = past_,
            .split = split_,
            .alone = alone && !left_a_peer,
            .adopted = adopted_};
}

bool Acquaintance::recall(const PairMemory& memory) noexcept {
    constexpr unsigned nodes = 2;
    if (node_ >= nodes) node_ = static_cast<unsigned>(memory.node);
    if (memory.node < nodes && memory.node != node_) return false;
    epoch_ = memory.epoch;
    peer_epoch_ = memory.peer_epoch;
    former_peers_ = memory.former_peers;
    past_ = memory.past;
    split_ = memory.split;
    was_alone_ = memory.alone;
    adopted_ = memory.adopted;
    unconfirmed_ = true;
    return true;
}

// Nobody was followed in this incarnation: the peer that is met next, also if it is the one of
// before, has not come back to an earlier state.
void Acquaintance::forget(std::uint64_t new_epoch) noexcept {
    epoch_ = new_epoch;
    peer_epoch_ = 0;
    former_peers_ = {};
    past_ = {};
    unconfirmed_ = adopted_ = false;
}

bool was_put_back(const SharedPast& node, const SharedPast& other) noexcept {
    if (other.heard_session != node.session) return other.heard_session > node.session;
    return node.sent < other.heard_applied || node.applied < other.heard_acked;
}

}  // namespace twincached::replication::pair
