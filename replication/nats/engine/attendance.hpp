// Whom a node hears, as whoever runs it is told: which of the others, and which other sites. What
// it does about that is decided elsewhere, by what the log says alone; here counts as well what the
// log cannot say: that there is no broker, or that one of the streams has fallen silent. Owned by
// the engine, on the replication thread.
#pragma once

#include "replication/nats/engine/cluster_report.hpp"
#include "replication/nats/engine/footing.hpp"
#include "replication/nats/engine/node_state.hpp"
#include "replication/nats/log/cluster_context.hpp"

#include <array>
#include <cstdint>
#include <string>

namespace twincached::replication::nats {

class Attendance {
  public:
    Attendance(const ClusterContext& context, const Footing& footing, NodeState& state) noexcept
        : context_(context), footing_(footing), state_(state) {}

    // After every event.
    void judge();
    // Within member-timeout, and nothing has happened since by which it could not be heard.
    bool hears(unsigned node) const noexcept;
    // Other sites of which nothing has come for a while, though there is a broker; empty: none.
    std::string silent_sites() const;
    void fill(ClusterReport& report) const noexcept;

  private:
    // Whether it was told that somebody is gone, and when.
    struct Told {
        bool is_gone = false;
        std::uint64_t at_ms = 0;  // 0: never
    };
    bool may_tell(const Told& told) const noexcept;
    void note_words() noexcept;
    void judge_site(StreamId stream);
    void judge_member(unsigned node);
    bool is_gone(StreamId stream) const noexcept;
    std::string name_of(StreamId stream) const;

    // What a node said last.
    struct Word {
        std::uint64_t session = 0;
        std::uint64_t number = 0;
        std::uint64_t at_ms = 0;  // on this node's steady clock
    };

    const ClusterContext& context_;
    const Footing& footing_;
    NodeState& state_;
    std::array<Word, nodes_limit> words_{};
    std::array<std::uint64_t, streams_limit> silent_since_ms_{};  // 0: it is not
    std::array<Told, streams_limit> told_of_sites_{};
    std::array<Told, nodes_limit> told_of_members_{};
    unsigned waited_for_ = 0;  // a bit for each node that is a member, or was until it was told
};

}  // namespace twincached::replication::nats
