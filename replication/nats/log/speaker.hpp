// Publishes what this node says, one message after the other, each numbered in its session; and
// hears what becomes of it. What is said, and whether anything may be, is the engine's to decide.
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

    bool operator==(const SelfDescription&) const = default;
};

class Speaker {
  public:
    Speaker(ClusterContext& context, Broker& broker, BatchSender& sender,
            std::uint64_t incarnation) noexcept
        : context_(context), broker_(broker), sender_(sender), incarnation_(incarnation) {}

    // Another connection, or another life of this node was heard: what was said before is over.
    void begin_session() noexcept;
    bool is_waiting() const noexcept { return is_waiting_; }
    std::uint64_t session() const noexcept { return session_; }

    // REQUIRES: nothing is waited for. `with_data`: what the sender has goes along; without
    // anything to say a message is a word of life.
    void say(const SelfDescription& self, bool with_data);
    // Only if the sender has something. False: it had nothing.
    bool say_data(const SelfDescription& self);

    // False: it is not what is waited for.
    bool on_published(Token token, Sequence sequence);
    bool on_not_published(Token token);
    // It was read in the log: the same as on_published.
    void on_heard(const MessageHeader& header, Sequence sequence);
    void on_disconnected();

    const SelfDescription& said_last() const noexcept { return said_; }
    std::uint64_t said_at_ms() const noexcept { return said_at_ms_; }
    std::uint64_t waiting_ms() const noexcept {
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
    lib::ByteBuffer out_;
};

}  // namespace twincached::replication::nats
