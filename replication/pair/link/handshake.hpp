// The handshake of one connection: finds out who is at the other end, and lets nobody pass who
// must not be paired with. It ends with both HELLOs exchanged; what follows (READY, which of two
// connections becomes the session) is the Engine's decision.
//
//     dialler                          acceptor
//        CHALLENGE  ------------------->            the acceptor says nothing to whoever cannot
//                   <-------------------  CHALLENGE    begin properly
//        PROOF      ------------------->            with a secret: the acceptor proves itself only
//                   <-------------------  PROOF        to whoever has proved itself
//        HELLO      ------------------->
//                   <-------------------  HELLO     after the Engine agreed (Step::answer_hello)
//
// Sans-I/O and pure: frames in, frames out, the nonce is given. Owned by the Engine, one per
// connection; the replication thread alone calls it. Specification: REPLICATION.md, sections 8, 9.
#pragma once

#include "lib/byte_buffer.hpp"
#include "replication/pair/link/control_frames.hpp"
#include "replication/pair/link/proof.hpp"
#include "replication/pair/node_identity.hpp"
#include "replication/pair/pair_options.hpp"
#include "replication/records/frame.hpp"
#include "replication/records/wall_clock.hpp"
#include "storage/now.hpp"

#include <chrono>
#include <cstddef>
#include <cstdint>
#include <string>

namespace twincached::replication::pair {

// What this node says of itself and expects of its peer.
struct Self {
    std::string cluster;
    std::string secret;        // empty: no proof is given and none is accepted
    std::string other_secret;  // while it is exchanged: proves as well as `secret`; empty: none
    unsigned node = 0;         // undecided: whoever has called says which of the two it is
    std::uint64_t epoch = 0;
    std::uint64_t hash_check = 0;
    std::chrono::milliseconds clock_max_ahead = default_options().clock_max_ahead;
    std::uint16_t protocol_newest = replication::protocol_newest;  // that this node speaks
};

constexpr std::uint64_t clock_max_ahead_ms(const Self& self) noexcept {
    return static_cast<std::uint64_t>(std::chrono::milliseconds(self.clock_max_ahead).count());
}

class Handshake {
  public:
    enum class Step : std::uint8_t {
        wait,          // for more
        introduced,    // the acceptor has met somebody who knows how to begin; wait for more
        say_hello,     // the dialler must call write_hello
        answer_hello,  // the acceptor must decide, then call write_hello; the peer's HELLO is here
        complete,      // the dialler has the peer's HELLO
        refused,       // the two must not be paired: reason() and why(); ERROR has been written
        peer_refused,  // the peer said so: why()
        strange,       // whoever this is does not speak our protocol: why()
    };

    // `self` must outlive it.
    Handshake(const Self& self, Side side, const Nonce& nonce) noexcept;

    // The dialler's first frame. An acceptor must not call it.
    void begin(lib::ByteBuffer& out);
    Step on_frame(const Frame& frame, const storage::Now& now, lib::ByteBuffer& out);
    void write_hello(Hello hello, lib::ByteBuffer& out);

    Side side() const noexcept { return side_; }
    // How much a frame may carry from here on.
    std::size_t payload_limit() const noexcept;
    // Which of the two this node is on this connection. REQUIRES: it is decided, or the peer was
    // introduced.
    unsigned own_node() const noexcept {
        return is_decided(self_.node) ? self_.node : other_node(peer_.node);
    }
    // The node that the connection was dialled by. REQUIRES: the peer was introduced.
    unsigned dialled_by() const noexcept;
    bool is_introduced() const noexcept { return !theirs_.empty(); }
    // This node proved itself, or the peer did, by `other_secret`.
    bool is_by_other_secret() const noexcept {
        return !self_.other_secret.empty() && proves_by_ == self_.other_secret;
    }
    // Both have the secret, and still keys hash otherwise there.
    bool hashes_differ() const noexcept { return has_proved_ && reason_ == ErrorReason::hash; }
    // The other end has shown that it knows the secret; without one, it has at least said HELLO.
    // A CHALLENGE alone proves nothing: whoever knows the cluster's name can write it.
    bool is_proved() const noexcept { return self_.secret.empty() ? is_over() : has_proved_; }
    bool is_over() const noexcept { return waits_for_ == Waits::nothing; }
    std::uint64_t peer_epoch() const noexcept { return peer_.epoch; }
    unsigned peer_node() const noexcept { return peer_.node; }
    // The version that both speak. REQUIRES: the peer was introduced.
    std::uint16_t protocol() const noexcept;
    // The same number at both ends, another for every connection; never 0.
    std::uint64_t session_number() const noexcept;
    const Hello& own_hello() const noexcept { return own_hello_; }
    const Hello& peer_hello() const noexcept { return peer_hello_; }
    ErrorReason reason() const noexcept { return reason_; }
    const std::string& why() const noexcept { return why_; }

  private:
    enum class Waits : std::uint8_t { challenge, proof, hello, nothing };

    Step on_challenge(const Frame& frame, lib::ByteBuffer& out);
    Step on_proof(const Frame& frame, lib::ByteBuffer& out);
    Step on_hello(const Frame& frame, const storage::Now& now, lib::ByteBuffer& out);
    Step on_error(const Frame& frame);
    Step out_of_turn(FrameType type, lib::ByteBuffer& out);
    Step strange(std::string why);
    Step refuse(ErrorReason reason, lib::ByteBuffer& out);
    std::string sentence(ErrorReason reason, bool is_said_here) const;
    void write_challenge(lib::ByteBuffer& out);
    void write_proof(lib::ByteBuffer& out);
    bool believes(const Proof& proof);
    Mac proof_of(std::string_view secret, Side prover) const;
    void mask_seed(Hello& hello, Side writer) const;

    const Self& self_;
    const Side side_;
    const Nonce nonce_;
    Waits waits_for_ = Waits::challenge;
    bool has_proved_ = false;  // the peer, or nobody needs to
    std::string proves_by_;    // which secret, once that is decided: options may change meanwhile
    std::string ours_;         // CHALLENGE payloads as they went over the wire
    std::string theirs_;
    Challenge peer_;
    Hello own_hello_;
    Hello peer_hello_;
    ErrorReason reason_ = ErrorReason::protocol;
    std::string why_;
};

// The same is asked of a HELLO.
using replication::wall_ms_of;
// The wall clock of whoever wrote it, in ms since 2025; of an older version what its versions say.
std::int64_t wall_ms_of(const Hello& hello) noexcept;

// A text that a stranger chose, fit for a log: printable, and not long.
std::string printable(std::string_view text);

}  // namespace twincached::replication::pair
