// Which of two nodes is primary when a session begins: the one that has served for longer, for it
// missed nothing that the other accepted; of two alike node a. Both come to it by the same two
// HELLOs. Pure.
#pragma once

#include "replication/pair/link/handshake.hpp"
#include "replication/pair/link/link_machine.hpp"
#include "replication/pair/node_identity.hpp"

#include <cstdint>

namespace twincached::replication::pair {

// How long its sender had been serving when it wrote the HELLO; 0 = it is COLD.
inline std::uint64_t serving_age_of(const Hello& hello) noexcept {
    return hello.ready_since_ms == 0 ? 0 : hello.steady_ms - hello.ready_since_ms + 1;
}

inline Role agreed_role(const Handshake& handshake, unsigned node) noexcept {
    const auto ours = serving_age_of(handshake.own_hello());
    const auto theirs = serving_age_of(handshake.peer_hello());
    if (ours != theirs) return ours > theirs ? Role::primary : Role::secondary;
    return node == node_a ? Role::primary : Role::secondary;
}

}  // namespace twincached::replication::pair
