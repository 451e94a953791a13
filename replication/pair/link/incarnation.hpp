// Who this node is to its peer, and what it may still hold of what it held before: the incarnation
// (a number drawn when it began), which of the two nodes it is, how it hashes keys, and whether its
// items are what the peer takes them for. It decides when the node has to begin anew, as if its
// process had been started without a memory file: empty, an incarnation that nobody has met.
//
//     HELLO of the peer --- judge_past() ---> begin a session | this node begins anew | the peer
//     nobody to ask, items unconfirmed -----> this node begins anew
//     its clock was refused, and is right --> its versions are corrected, and it is a new one
//
// It knows neither connections nor sessions: whoever calls begin_anew() has ended both. Owned by
// the Engine; the replication thread alone calls it. Rules R12 and R15 of REPLICATION.md.
#pragma once

#include "replication/pair/exchange/acquaintance.hpp"
#include "replication/pair/exchange/exchange.hpp"
#include "replication/pair/link/handshake.hpp"
#include "replication/pair/link_log.hpp"
#include "storage/now.hpp"
#include "storage/store.hpp"

#include <cstdint>
#include <string>
#include <string_view>
#include <utility>

namespace twincached::replication::pair {

class Incarnation {
  public:
    // All of them outlive it. It alone changes `self`, which handshakes read.
    Incarnation(Self& self, Exchange& exchange, LinkLog& log) noexcept
        : self_(self), exchange_(exchange), log_(log) {}

    // Before anything else.
    void attach(storage::Store& store) noexcept;

    // Warm restart (rule R15): instead of the incarnation that was drawn, the one that wrote this.
    // False: it is damaged, or of another kind of node.
    bool recall(std::string_view remembered, const storage::Now& now);

    // Which of the two it is, and whose word that was. REQUIRES: undecided.
    void decide_node(unsigned node, std::string_view why) noexcept;

    // Rule R12: what must be before a session with whoever said that HELLO.
    Meeting judge_past(const Hello& peer) const noexcept;
    // The node serves by what it recalled, and nobody has confirmed that it may.
    bool needs_peers_word() const noexcept;
    // Keys hash otherwise on the peer, whose HELLO may not be known. True if they hash here in
    // another way from now on, as they do there. `is_cold`: no client has been served yet;
    // `follows`: of two such nodes this is the one that does as the other.
    bool take_up_peers_hash(bool is_cold, bool follows, const Hello& peer) noexcept;
    // That may still become true, by the peer's next HELLO.
    bool may_take_up_hash(bool is_cold) const noexcept {
        return is_cold && !hash_is_settled_ && !self_.secret.empty();
    }
    std::uint64_t hash_seed() const noexcept { return store_->hash_seed(); }

    // What proves the nodes to each other from now on; the peer is shown the one that it knew.
    void use_secrets(std::string current, std::string old) noexcept;
    // A session by the other one: that is the one that the peer is known to know.
    void prefer_other_secret() noexcept { std::swap(self_.secret, self_.other_secret); }
    // The peer does not know the secret. True if it may know the other one, which is shown next.
    bool try_other_secret() noexcept;
    // What is held counts from here on. REQUIRES: judge_past(peer) == Meeting::begin.
    void begin_exchange(const Hello& peer, const storage::Now& now) noexcept;

    // This node's clock is right, but was not when it wrote: nobody may believe such versions, for
    // years perhaps, nor may it go on with them.
    bool wrote_by_wrong_clock(const storage::Now& now) const noexcept;
    // Forgets all items. `nonce` decides the new incarnation. REQUIRES: no session.
    void begin_anew(const Nonce& nonce, std::string_view why, const storage::Now& now);
    // Keeps them, by versions as its clock would have given them. `nonce` and REQUIRES: the same.
    void correct_versions(const Nonce& nonce, const storage::Now& now);

  private:
    Self& self_;
    Exchange& exchange_;
    LinkLog& log_;
    storage::Store* store_ = nullptr;
    // What is known of buckets, or items, is by this hash: another one would make a lie of it.
    bool hash_is_settled_ = false;
    bool hashes_as_before_ = false;  // as versions before this, for the peer might be one
    bool tries_other_ = false;       // one of the two secrets was refused, with no session since
};

}  // namespace twincached::replication::pair
