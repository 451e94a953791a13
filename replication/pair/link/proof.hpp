// The cryptography of the handshake: how an end of the link shows that it knows the secret
// without saying it. The only file here that knows OpenSSL. Pure functions, any thread.
#pragma once

#include "replication/pair/link/control_frames.hpp"

#include <array>
#include <cstdint>
#include <string_view>

namespace twincached::replication::pair {

// Which end of a connection this node is.
enum class Side : std::uint8_t { dialler, acceptor };

constexpr Side other(Side side) noexcept {
    return side == Side::dialler ? Side::acceptor : Side::dialler;
}

// HMAC-SHA256(secret, label of the prover's side | both CHALLENGE payloads, the dialler's first),
// each with its length before it. The label keeps an end from being given its own proof back; the
// nonces in the payloads keep an old one from being of use.
Mac prove(std::string_view secret, Side prover, std::string_view diallers_challenge,
          std::string_view acceptors_challenge);

// What a HELLO's number is XORed with on its way, so that only who knows the secret can read it.
// Another one for each end and each connection.
std::uint64_t mask(std::string_view secret, Side writer, std::string_view diallers_challenge,
                   std::string_view acceptors_challenge);

// Takes the same time wherever the two differ.
bool equal(const Mac& one, const Mac& other) noexcept;

// The `count`-th nonce of a process that was given 256 random bits at its start: as good as
// random to whoever does not know them, and repeatable in a simulation.
using Entropy = std::array<std::uint8_t, 32>;
Nonce make_nonce(const Entropy& entropy, std::uint64_t count);

// All of a process, one after the other.
class Nonces {
  public:
    explicit Nonces(const Entropy& entropy) noexcept : entropy_(entropy) {}
    Nonce next() { return make_nonce(entropy_, count_++); }

  private:
    const Entropy entropy_;
    std::uint64_t count_ = 0;
};

}  // namespace twincached::replication::pair
