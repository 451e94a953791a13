// Whom a node hears, as whoever runs it is told: which of the others, and which other sites. What
// it does about that is decided elsewhere, by what the log says alone; here counts as well what the
// log cannot say: that there is no broker, or that one of the streams has fallen silent. Owned by
// the engine, on the replication thread.
#pragma once

#include "replication/nats/engine/cluster_report.hpp"
#include "replication/nats/engine/footing.hpp"
#include "replication/nats/log/cluster_context.hpp"

#include <array>
#include <cstdint>

namespace twincached::replication::nats {

class Attendance {
  public:
    Attendance(const ClusterContext& context, const Footing& footing) noexcept
        : context_(context), footing_(footing) {}

    // After every event.
    void judge() noexcept;
    // Within member-timeout, and nothing has happened since by which it could not be heard.
    bool hears(unsigned node) const noexcept;
    void fill(ClusterReport& report) const noexcept;

  private:
    // What a node said last.
    struct Word {
        std::uint64_t session = 0;
        std::uint64_t number = 0;
        std::uint64_t at_ms = 0;  // on this node's steady clock
    };

    const ClusterContext& context_;
    const Footing& footing_;
    std::array<Word, nodes_limit> words_{};
};

}  // namespace twincached::replication::nats
