#include "replication/pair/link/incarnation.hpp"

#include "lib/endian.hpp"
#include "replication/pair/node_identity.hpp"

#include <cassert>
#include <cstdint>
#include <utility>

namespace twincached::replication::pair {
namespace {

// Any text does: both nodes ask for the same one.
constexpr std::string_view hash_question = "twincached: do both nodes hash alike?";

std::uint64_t hash_check_of(const storage::Store& store) noexcept {
    return store.key(hash_question).hash;
}

std::uint64_t epoch_of(const Nonce& nonce) noexcept {
    return lib::load_little<std::uint64_t>(nonce.data()) | 1;  // never 0
}

// What a peer believes whose clock is right.
storage::VersionGate peers_gate(const Self& self, const storage::Now& now) noexcept {
    return {wall_version_ms(now), clock_max_ahead_ms(self)};
}

}  // namespace

void Incarnation::attach(storage::Store& store) noexcept {
    store_ = &store;
    exchange_.attach(store);
    self_.hash_check = hash_check_of(store);
}

bool Incarnation::recall(std::string_view remembered, const storage::Now& now) {
    hash_is_settled_ = true;
    if (!exchange_.recall(remembered, now)) return false;
    self_.epoch = exchange_.acquaintance().epoch();
    self_.node = exchange_.acquaintance().node();
    return true;
}

void Incarnation::decide_node(unsigned node, std::string_view why) noexcept {
    assert(!is_decided(self_.node) && is_decided(node));
    self_.node = node;
    exchange_.acquaintance().decide_node(node);
    log_.note(LogLevel::info, {"this node is ", node_name(node), ": ", why});
}

Meeting Incarnation::judge_past(const Hello& peer) const noexcept {
    return exchange_.acquaintance().judge(peer);
}

bool Incarnation::needs_peers_word() const noexcept {
    return exchange_.acquaintance().needs_peers_word();
}

// A node that is empty, and has served nobody, does as its peer does: that one was started with
// another secret, which was exchanged since, and tells its seed. Of two such nodes one follows, or
// they would take turns.
// Versions before this tell none, and made it of the secret in another way; so a pair is upgraded
// one node at a time. That is as safe, for no look-up takes long whatever the keys.
bool Incarnation::take_up_peers_hash(bool is_cold, bool follows, const Hello& peer) noexcept {
    if (!may_take_up_hash(is_cold)) return false;
    if (peer.hash_seed) {
        const auto hash = lib::KeyedHash::of_seed(*peer.hash_seed);
        const bool may = follows || peer.ready_since_ms != 0;
        if (!may || hash(hash_question) != peer.hash_check || !store_->rehash(hash)) return false;
        self_.hash_check = hash_check_of(*store_);
        log_.note(LogLevel::info, {"keys hash as on the peer from now on: it was started with "
                                   "another secret"});
        return true;
    }
    if (std::exchange(hashes_as_before_, true)) return false;
    if (!store_->rehash(lib::KeyedHash(self_.secret))) return false;
    self_.hash_check = hash_check_of(*store_);
    log_.note(LogLevel::info,
              {"keys hash as on the peer from now on, in the way of versions before this"});
    return true;
}

void Incarnation::use_secrets(std::string current, std::string old) noexcept {
    if (self_.secret == old) std::swap(current, old);
    self_.secret = std::move(current);
    self_.other_secret = std::move(old);
    tries_other_ = false;
}

bool Incarnation::try_other_secret() noexcept {
    if (self_.other_secret.empty()) return false;
    std::swap(self_.secret, self_.other_secret);
    tries_other_ = !tries_other_;
    return tries_other_;
}

void Incarnation::begin_exchange(const Hello& peer, const storage::Now& now) noexcept {
    hash_is_settled_ = true;
    tries_other_ = false;
    if (exchange_.acquaintance().is_unconfirmed()) {
        log_.note(LogLevel::info,
                  {"the peer confirms the items of the memory file: only what differs is sent"});
    }
    exchange_.begin(peer, now);
}

bool Incarnation::wrote_by_wrong_clock(const storage::Now& now) const noexcept {
    return !peers_gate(self_, now).admits_time(store_->version_time());
}

void Incarnation::begin_anew(const Nonce& nonce, std::string_view why, const storage::Now& now) {
    self_.epoch = epoch_of(nonce);
    exchange_.forget(self_.epoch, now);
    log_.note(LogLevel::warning, {"all items are forgotten: ", why});
}

// The peer compares all that is held here, as of a node that it has never met: of what it has seen
// of this one the versions are others now.
void Incarnation::correct_versions(const Nonce& nonce, const storage::Now& now) {
    self_.epoch = epoch_of(nonce);
    exchange_.correct_versions(self_.epoch, now);
    log_.note(LogLevel::warning,
              {"versions are corrected: they were given by a clock further ahead than "
               "clock-max-ahead, which is right now"});
}

}  // namespace twincached::replication::pair
