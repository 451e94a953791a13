#include "replication/pair/link/incarnation.hpp"

#include "lib/endian.hpp"
#include "replication/pair/node_identity.hpp"

#include <cassert>
#include <cstdint>
#include <utility>

namespace twincached::replication::pair {
namespace {

// Any text does: both nodes ask for the same one.
std::uint64_t hash_check_of(const storage::Store& store) noexcept {
    return store.key("twincached: do both nodes hash alike?").hash;
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
    exchange_.decide_node(node);
    log_.note(LogLevel::info, {"this node is ", node_name(node), ": ", why});
}

Meeting Incarnation::judge_past(const Hello& peer) const noexcept {
    return exchange_.acquaintance().judge(peer);
}

bool Incarnation::needs_peers_word() const noexcept {
    return exchange_.acquaintance().needs_peers_word();
}

// Versions before this made the hash's seed of the secret in another way. A node that is empty, and
// has served nobody, does as its peer does, so that a pair is upgraded one node at a time; it is as
// safe, for no look-up takes long whatever the keys.
bool Incarnation::take_up_peers_hash(bool is_cold) noexcept {
    const bool is_new = is_cold && !hash_is_settled_;
    if (!is_new || self_.secret.empty()) return false;
    if (!store_->rehash(lib::KeyedHash(self_.secret))) return false;
    hash_is_settled_ = true;
    self_.hash_check = hash_check_of(*store_);
    log_.note(LogLevel::info,
              {"keys hash as on the peer from now on, in the way of versions before this"});
    return true;
}

void Incarnation::begin_exchange(const Hello& peer, const storage::Now& now) noexcept {
    hash_is_settled_ = true;
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
    const auto epoch = lib::load_little<std::uint64_t>(nonce.data()) | 1;  // never 0
    exchange_.forget(epoch, now);
    self_.epoch = epoch;
    log_.note(LogLevel::warning, {"all items are forgotten: ", why});
}

// The clock that versions follow may still be led by those that are forgotten now.
void Incarnation::restart_versions(const storage::Now& now) noexcept {
    auto right = now;
    right.version_ms = wall_version_ms(now);
    exchange_.restart_versions(peers_gate(self_, now), right);
}

}  // namespace twincached::replication::pair
