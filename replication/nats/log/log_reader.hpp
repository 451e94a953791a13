// Reads the streams: who says it, whether it is to be taken, and if so what it changes. Owned by
// the engine, on the replication thread.
#pragma once

#include "replication/nats/broker.hpp"
#include "replication/nats/log/cluster_context.hpp"
#include "replication/nats/log/message_header.hpp"
#include "replication/nats/log/record_applier.hpp"

#include <array>
#include <cstdint>
#include <optional>

namespace twincached::replication::nats {

// What a message was.
struct Heard {
    bool is_message = false;    // of ours
    bool is_own = false;        // of this node, in this life
    bool is_namesakes = false;  // of this node's number, and not of this life
    MemberTable::Hearing hearing = MemberTable::Hearing::is_late;
    bool is_claim_granted = false;
    bool is_disbelieved = false;  // a version in it was refused
    MessageHeader header;
};

class LogReader {
  public:
    LogReader(ClusterContext& context, RecordApplier& applier, std::uint64_t incarnation) noexcept
        : context_(context), applier_(applier), incarnation_(incarnation) {}

    // Whoever spoke there says that his site's stream was created later than this node knows: what
    // it reads may be another log, with other messages where it was.
    bool tells_of_another_log(const Delivery& delivery) const noexcept;
    // Where this node does not know its place, it listens to who speaks, and changes nothing.
    // Should there be no memory, the place is lost: std::bad_alloc.
    Heard read(const Delivery& delivery);

    const std::array<std::optional<ArrivingValue>, nodes_limit>& arriving() const noexcept {
        return arriving_;
    }
    void forget_arriving() noexcept { arriving_ = {}; }

  private:
    Heard judge(const Delivery& delivery, const MessageHeader& header);
    void apply(const Delivery& delivery, const Message& message);

    ClusterContext& context_;
    RecordApplier& applier_;
    const std::uint64_t incarnation_;
    std::array<std::optional<ArrivingValue>, nodes_limit> arriving_;
};

}  // namespace twincached::replication::nats
