// Forgets removals that every live member has come past, and floors by and by; and decides whether
// this node carries out a flush that another one was asked for. Owned by the engine, on the
// replication thread.
#pragma once

#include "replication/nats/log/cluster_context.hpp"

#include <array>
#include <cstdint>

namespace twincached::replication::nats {

class RemovalKeeper {
  public:
    explicit RemovalKeeper(ClusterContext& context) noexcept : context_(context) {}

    // At `due_ms`. REQUIRES: in step, so that nothing is on its way that was read in another's
    // store. `silent_streams`: a bit for each whose site may have something to say that is not
    // known here. `is_telling`: data of this node's is on its way to the log.
    void work(unsigned silent_streams, bool is_telling);
    std::uint64_t due_ms() const noexcept { return due_ms_; }

  private:
    void forget();
    void turn_floors();
    void choose_who_flushes(unsigned silent_streams) noexcept;

    ClusterContext& context_;
    std::uint64_t due_ms_ = 0;
    std::array<Sequence, streams_limit> turn_at_{};  // when all have come past these
};

}  // namespace twincached::replication::nats
