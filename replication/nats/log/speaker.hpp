// Publishes what this node says, one message after the other, each numbered in its session; and
// hears what becomes of it. What is said, and whether anything may be, is the engine's to decide.
//
// That the broker has stored a message lets the next one go, and tells nothing of what becomes of
// it: others may find it void, or the log may lose it again and go on with something else in its
// place. Data counts as told only when this node has read it in the log as all others do, and taken
// it; till then a message of data is on its way, and no other one follows it.
// Owned by the engine, on the replication thread.
#pragma once

#include "lib/byte_buffer.hpp"
#include "replication/nats/broker.hpp"
#include "replication/nats/log/batch_sender.hpp"
#include "replication/nats/log/cluster_context.hpp"
#include "replication/nats/log/message_header.hpp"

#include <cstdint>
#include <string_view>

namespace twincached::replication::nats {

// What a node says of itself with every message.
struct SelfDescription {
    bool is_ready = false;
    bool is_in_step = false;
    bool claims = false;
    bool leaves = false;
    std::uint8_t disbelieved = 0;  // see MessageHeader

    bool operator==(const SelfDescription&) const = default;
};

class Speaker {
  public:
    Speaker(ClusterContext& context, Broker& broker, BatchSender& sender,
            std::uint64_t incarnation) noexcept
        : context_(context), broker_(broker), sender_(sender), incarnation_(incarnation) {}

    // Before anything else.
    void begin() noexcept { taken_at_ms_ = context_.now.steady_ms; }
    // Another connection, or another life of this node was heard: what was said before is over.
    void begin_session();
    // The log was last spoken in then, by the broker's clock: no earlier life of this node said
    // anything later. Counts until the first word of the session.
    void begin_after(std::int64_t broker_ms) noexcept;
    bool is_waiting() const noexcept { return is_waiting_; }
    std::uint64_t session() const noexcept { return session_; }

    // A word of life, without data. REQUIRES: nothing is waited for.
    void say(const SelfDescription& self);
    // Only if the sender has something. False: it had nothing. REQUIRES: nothing is waited for, no
    // data is on its way.
    bool say_data(const SelfDescription& self);

    // The broker has stored it. False: it is not what is waited for.
    bool on_published(Token token, Sequence sequence);
    bool on_not_published(Token token);
    // A message of this node's was read in the log; `is_taken`: what it says of data counts.
    void on_heard(const MessageHeader& header, Sequence sequence, bool is_taken);
    // All of this site's stream is read up to there.
    void on_read(Sequence sequence);
    void on_disconnected();
    // The data that is on its way counts as never told.
    void lose_data();

    const SelfDescription& said_last() const noexcept { return said_; }
    std::uint64_t said_at_ms() const noexcept { return said_at_ms_; }
    // When it said what it has read in the log last: what others said before that is known.
    std::uint64_t heard_said_ms() const noexcept { return heard_said_ms_; }
    // For how long nothing that it says has been stored, or is known to be; 0: the last word was.
    std::uint64_t refused_ms() const noexcept {
        return refused_since_ms_ == 0 ? 0 : context_.now.steady_ms - refused_since_ms_;
    }
    // Since the broker took something last, over whichever connection; or since begin().
    std::uint64_t unheard_ms() const noexcept { return context_.now.steady_ms - taken_at_ms_; }
    std::uint64_t waiting_ms() const noexcept {
        if (refused_since_ms_ != 0) return refused_ms();
        if (sender_.is_on_its_way()) return context_.now.steady_ms - data_at_ms_;
        return is_waiting_ ? context_.now.steady_ms - said_at_ms_ : 0;
    }

  private:
    void begin_message(const SelfDescription& self);
    void publish(const SelfDescription& self);

    ClusterContext& context_;
    Broker& broker_;
    BatchSender& sender_;
    const std::uint64_t incarnation_;
    std::uint64_t session_ = 0;
    std::uint64_t number_ = 0;
    Token token_ = 0;
    bool is_waiting_ = false;
    SelfDescription said_;
    std::uint64_t said_at_ms_ = 0;
    std::uint64_t heard_said_ms_ = 0;
    std::uint64_t refused_since_ms_ = 0;
    std::uint64_t taken_at_ms_ = 0;
    // Of the last message of data: number, when it was said, and where it is stored; 0: not yet.
    std::uint64_t data_number_ = 0;
    std::uint64_t data_at_ms_ = 0;
    Sequence data_stored_ = 0;
    lib::ByteBuffer out_;
};

}  // namespace twincached::replication::nats
