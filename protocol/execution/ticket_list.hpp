// Ack mode `received`: the changes that answers in the output speak of, and that the peer may not
// have yet. Of each shard the last one stands for all before it, because a shard's changes are
// confirmed in order. One per conversation, whose thread alone calls it; there is none in other
// modes.
//
//     command --note--> fresh --keep--> kept --(peer has them)--> clear
//                         '--drop: the command said nothing, so nobody waits for it
#pragma once

#include "storage/mutation.hpp"

#include <cstddef>
#include <cstdint>
#include <span>
#include <vector>

namespace twincached::protocol {

class TicketList {
  public:
    // A change of the command that is being executed.
    void note(const storage::Ticket& ticket) {
        if (ticket.position != 0) fresh_.push_back(ticket);
    }
    bool has_fresh() const noexcept { return !fresh_.empty(); }

    // The command said nothing (noreply, quiet): nobody waits for it.
    void drop_fresh() noexcept { fresh_.clear(); }
    void keep_fresh() {
        for (const auto& ticket : fresh_)
            keep(ticket);
        fresh_.clear();
    }

    std::span<const storage::Ticket> kept() const noexcept { return kept_; }
    void clear() noexcept { kept_.clear(); }

    // The last answer, while it can be taken back: where it begins in the output, and of a binary
    // one what its refusal must repeat.
    struct LastAnswer {
        bool can_be_taken_back = false;
        std::size_t begins_at = 0;
        bool is_binary = false;
        std::uint8_t opcode = 0;
        std::uint32_t opaque = 0;
    };
    LastAnswer last_answer;

  private:
    void keep(const storage::Ticket& ticket) {
        for (auto& kept : kept_) {
            if (kept.shard != ticket.shard) continue;
            if (kept.position < ticket.position) kept.position = ticket.position;
            return;
        }
        kept_.push_back(ticket);
    }

    std::vector<storage::Ticket> fresh_;
    std::vector<storage::Ticket> kept_;
};

}  // namespace twincached::protocol
