// What others see of a session: what its conversation is in the middle of, and what it waits for.
// Its io thread writes it at both ends of a turn; any thread may read.
#pragma once

#include "app/sessions/session_machine.hpp"
#include "protocol/conversation.hpp"

#include <atomic>

namespace twincached::app {

class SessionStatus {
  public:
    void begin_turn() noexcept { is_in_turn_.store(true, std::memory_order_relaxed); }
    void end_turn(protocol::ConversationPhase phase, SessionAction action) noexcept {
        phase_.store(phase, std::memory_order_relaxed);
        last_action_.store(action, std::memory_order_relaxed);
        is_in_turn_.store(false, std::memory_order_relaxed);
    }

    bool is_in_turn() const noexcept { return is_in_turn_.load(std::memory_order_relaxed); }
    protocol::ConversationPhase phase() const noexcept {
        return phase_.load(std::memory_order_relaxed);
    }
    // So its last turn ended.
    bool waits_for(SessionAction what) const noexcept {
        return last_action_.load(std::memory_order_relaxed) == what;
    }

  private:
    std::atomic<protocol::ConversationPhase> phase_{protocol::ConversationPhase::idle};
    std::atomic<SessionAction> last_action_{SessionAction::wait_for_input};
    std::atomic<bool> is_in_turn_{false};
};

}  // namespace twincached::app
