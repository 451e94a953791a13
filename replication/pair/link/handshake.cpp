#include "replication/pair/link/handshake.hpp"

#include "lib/endian.hpp"

#include <algorithm>
#include <bit>
#include <cassert>
#include <utility>

namespace twincached::replication::pair {

namespace {

constexpr std::size_t foreign_text_limit = 200;  // a line in the log, not a page

// Else the text is all that there is of it.
bool is_known(ErrorReason reason) noexcept {
    return reason != ErrorReason::protocol && !text_of(reason).empty();
}

std::string range(unsigned first, unsigned last) {
    auto text = std::to_string(first);
    return first == last ? text : text + " to " + std::to_string(last);
}

}  // namespace

std::int64_t wall_ms_of(const Hello& hello) noexcept {
    const auto version_ms = std::min(hello.version_ms, std::uint64_t{last_wall_ms} + 1);
    const auto wall_ms = hello.wall_ms.value_or(static_cast<std::int64_t>(version_ms));
    return std::max(wall_ms, -last_wall_ms);
}

std::string printable(std::string_view text) {
    std::string result(text.substr(0, foreign_text_limit));
    for (char& byte : result) {
        if (byte < ' ' || byte > '~') byte = '?';
    }
    return result;
}

Handshake::Handshake(const Self& self, Side side, const Nonce& nonce) noexcept
    : self_(self), side_(side), nonce_(nonce) {}

void Handshake::begin(lib::ByteBuffer& out) {
    assert(side_ == Side::dialler && ours_.empty());
    write_challenge(out);
}

Handshake::Step Handshake::on_frame(const Frame& frame, const storage::Now& now,
                                    lib::ByteBuffer& out) {
    if (frame.type == FrameType::error) return on_error(frame);
    switch (waits_for_) {
        case Waits::challenge:
            if (frame.type != FrameType::challenge) break;
            return on_challenge(frame, out);
        case Waits::proof:
            if (frame.type != FrameType::proof) break;
            return on_proof(frame, out);
        case Waits::hello:
            if (frame.type != FrameType::hello) break;
            return on_hello(frame, now, out);
        case Waits::nothing:
            break;
    }
    return out_of_turn(frame.type, out);
}

Handshake::Step Handshake::on_challenge(const Frame& frame, lib::ByteBuffer& out) {
    auto challenge = read_challenge(frame.payload);
    if (!challenge) return strange("a CHALLENGE that makes no sense");
    peer_ = std::move(*challenge);
    theirs_ = frame.payload;
    if (peer_.epoch == self_.epoch) {
        return refuse(ErrorReason::self, out);
    }
    if (peer_.cluster != self_.cluster) {
        return refuse(ErrorReason::cluster, out);
    }
    if (protocol() < std::max(peer_.protocol_min, protocol_oldest)) {
        // Whoever called learns which versions are spoken here, and can say so in its own log.
        if (side_ == Side::acceptor) write_challenge(out);
        return refuse(ErrorReason::version, out);
    }
    if (!is_decided(peer_.node) || peer_.node == own_node()) {
        return refuse(ErrorReason::node, out);
    }
    if (side_ == Side::acceptor) write_challenge(out);
    if (self_.secret.empty()) {
        has_proved_ = true;
        waits_for_ = Waits::hello;
        return side_ == Side::dialler ? Step::say_hello : Step::introduced;
    }
    waits_for_ = Waits::proof;
    if (side_ == Side::acceptor) return Step::introduced;
    write_proof(out);
    return Step::wait;
}

Handshake::Step Handshake::on_proof(const Frame& frame, lib::ByteBuffer& out) {
    const auto proof = read_proof(frame.payload);
    if (!proof) return strange("a PROOF that makes no sense");
    if (!believes(*proof)) {
        return refuse(ErrorReason::proof, out);
    }
    has_proved_ = true;
    waits_for_ = Waits::hello;
    if (side_ == Side::dialler) return Step::say_hello;
    write_proof(out);
    return Step::wait;
}

// The first frame that only the peer itself can have written. Neither the clock nor the versions in
// it are believed beyond clock-max-ahead: taken over, one of them would outlive every honest write.
Handshake::Step Handshake::on_hello(const Frame& frame, const storage::Now& now,
                                    lib::ByteBuffer& out) {
    auto hello = read_hello(frame.payload, protocol());
    if (!hello) return strange("a HELLO that makes no sense");
    peer_hello_ = std::move(*hello);
    mask_seed(peer_hello_, other(side_));
    if (peer_hello_.epoch != peer_.epoch) return strange("a HELLO of another incarnation");
    if (peer_hello_.hash_check != self_.hash_check) {
        return refuse(ErrorReason::hash, out);
    }
    const auto ahead_ms = static_cast<std::int64_t>(clock_max_ahead_ms(self_));
    const auto wall_ms = wall_ms_of(peer_hello_);
    if (wall_ms > last_wall_ms || wall_ms - wall_ms_of(now) > ahead_ms) {
        return refuse(ErrorReason::clock, out);
    }
    if (!is_credible(peer_hello_, gate_of(now, clock_max_ahead_ms(self_)))) {
        auto step = refuse(ErrorReason::clock, out);
        why_ = "the versions of the peer are further ahead than clock-max-ahead";
        return step;
    }
    waits_for_ = Waits::nothing;
    return side_ == Side::dialler ? Step::complete : Step::answer_hello;
}

Handshake::Step Handshake::on_error(const Frame& frame) {
    const auto error = read_error(frame.payload);
    if (!error) return strange("an ERROR that makes no sense");
    reason_ = error->reason;
    why_ = "the peer refuses this node: " + (is_known(error->reason)
                                                 ? sentence(error->reason, false)
                                                 : "it says \"" + printable(error->text) + '"');
    return Step::peer_refused;
}

Handshake::Step Handshake::out_of_turn(FrameType type, lib::ByteBuffer& out) {
    if (waits_for_ == Waits::proof && type == FrameType::hello) {
        return refuse(ErrorReason::secret_here, out);
    }
    if (waits_for_ == Waits::hello && type == FrameType::proof && self_.secret.empty()) {
        return refuse(ErrorReason::secret_there, out);
    }
    return strange("a frame out of turn (type " + std::to_string(static_cast<unsigned>(type)) +
                   ")");
}

Handshake::Step Handshake::strange(std::string why) {
    waits_for_ = Waits::nothing;
    why_ = std::move(why);
    return Step::strange;
}

Handshake::Step Handshake::refuse(ErrorReason reason, lib::ByteBuffer& out) {
    waits_for_ = Waits::nothing;
    reason_ = reason;
    why_ = sentence(reason, true);
    write_frame(out, Error{reason, std::string(text_of(reason))});
    return Step::refused;
}

// For this node's operator: "this node" and "the peer" do not change places with whoever says it.
std::string Handshake::sentence(ErrorReason reason, bool is_said_here) const {
    constexpr std::string_view has_secret = "this node has a secret, the peer has none";
    constexpr std::string_view lacks_secret = "the peer has a secret, this node has none";
    constexpr std::string_view speaks_tls =
        "this node speaks TLS on the link, the peer does not (tls of [replication])";
    constexpr std::string_view lacks_tls =
        "the peer speaks TLS on the link, this node does not (tls of [replication])";
    switch (reason) {
        case ErrorReason::cluster:
            return "cluster here '" + printable(self_.cluster) + "', there " +
                   (is_introduced() ? '\'' + printable(peer_.cluster) + '\'' : "another one");
        case ErrorReason::version:
            if (!is_introduced()) return std::string(text_of(reason));
            return "the peer speaks link protocol " +
                   range(peer_.protocol_min, peer_.protocol_max) + ", this node " +
                   range(protocol_oldest, self_.protocol_newest);
        case ErrorReason::self:
            return "the peer is this node itself, or a copy of it";
        // One that has none cannot be told from one that has another by versions before this.
        case ErrorReason::proof:
            return std::string(self_.secret.empty() ? lacks_secret : text_of(reason));
        case ErrorReason::secret_here:
            return std::string(is_said_here ? has_secret : lacks_secret);
        case ErrorReason::secret_there:
            return std::string(is_said_here ? lacks_secret : has_secret);
        case ErrorReason::tls_here:
            return std::string(is_said_here ? speaks_tls : lacks_tls);
        case ErrorReason::tls_there:
            return std::string(is_said_here ? lacks_tls : speaks_tls);
        case ErrorReason::hash:
            return std::string(text_of(reason)) +
                   (self_.secret.empty() ? ": their secrets must be equal"
                                         : ", for one of them began with another secret or as "
                                           "versions before this did: restart the one whose items "
                                           "are to be replaced");
        case ErrorReason::clock:
            return is_said_here ? "the clock of the peer is further ahead than clock-max-ahead"
                                : "the clock of this node, or its versions, is further ahead than "
                                  "clock-max-ahead there";
        case ErrorReason::node:
        case ErrorReason::protocol:
            break;
    }
    return std::string(text_of(reason));
}

void Handshake::write_challenge(lib::ByteBuffer& out) {
    const auto start = out.size() + frame_header_size;
    write_frame(out, Challenge{.protocol_max = self_.protocol_newest,
                               .node = static_cast<std::uint8_t>(own_node()),
                               .epoch = self_.epoch,
                               .nonce = nonce_,
                               .cluster = self_.cluster});
    ours_ = out.readable().substr(start);
}

void Handshake::write_proof(lib::ByteBuffer& out) {
    if (proves_by_.empty()) proves_by_ = self_.secret;
    write_frame(out, Proof{proof_of(proves_by_, side_)});
}

// Who called has chosen one of the secrets that this node knows, and is answered by the same.
bool Handshake::believes(const Proof& proof) {
    const auto is_by = [&](const std::string& secret) {
        return !secret.empty() && equal(proof.mac, proof_of(secret, other(side_)));
    };
    if (side_ == Side::dialler) return is_by(proves_by_);
    if (is_by(self_.secret)) {
        proves_by_ = self_.secret;
    } else if (is_by(self_.other_secret)) {
        proves_by_ = self_.other_secret;
    }
    return !proves_by_.empty();
}

void Handshake::write_hello(Hello hello, lib::ByteBuffer& out) {
    assert(has_proved_);
    own_hello_ = std::move(hello);
    own_hello_.protocol = protocol();
    mask_seed(own_hello_, side_);
    write_frame(out, own_hello_);
}

Mac Handshake::proof_of(std::string_view secret, Side prover) const {
    const bool dialled = side_ == Side::dialler;
    return prove(secret, prover, dialled ? ours_ : theirs_, dialled ? theirs_ : ours_);
}

// Masks it, or takes the mask off. What nobody's secret hides is not told, and not believed.
void Handshake::mask_seed(Hello& hello, Side writer) const {
    if (proves_by_.empty()) return hello.hash_seed.reset();
    if (!hello.hash_seed) return;
    const bool dialled = side_ == Side::dialler;
    *hello.hash_seed ^=
        mask(proves_by_, writer, dialled ? ours_ : theirs_, dialled ? theirs_ : ours_);
}

std::size_t Handshake::payload_limit() const noexcept {
    return has_proved_ ? frame_payload_limit : frame_payload_limit_unproven;
}

std::uint16_t Handshake::protocol() const noexcept {
    return std::min(self_.protocol_newest, peer_.protocol_max);
}

unsigned Handshake::dialled_by() const noexcept {
    return side_ == Side::dialler ? own_node() : peer_.node;
}

// Of both nonces, so that neither end alone decides it; turned, so that equal ones do not cancel
// out.
std::uint64_t Handshake::session_number() const noexcept {
    const auto ours = lib::load_little<std::uint64_t>(nonce_.data());
    const auto theirs = lib::load_little<std::uint64_t>(peer_.nonce.data());
    const bool dialled = side_ == Side::dialler;
    return ((dialled ? ours : theirs) ^ std::rotl(dialled ? theirs : ours, 1)) | 1;
}

}  // namespace twincached::replication::pair
