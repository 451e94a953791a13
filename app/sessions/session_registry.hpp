// All sessions of one io thread: owns them and lists them. Changed by that thread alone; the lock
// lets other threads look on for `stats conns`.
#pragma once

#include "app/listeners/connection_limit.hpp"
#include "app/sessions/session.hpp"
#include "lib/function_ref.hpp"
#include "lib/mutex.hpp"

#include <cstdint>

namespace twincached::app {

class SessionRegistry {
  public:
    explicit SessionRegistry(ConnectionLimit& limit) noexcept : limit_(limit) {}
    ~SessionRegistry();
    SessionRegistry(const SessionRegistry&) = delete;
    SessionRegistry& operator=(const SessionRegistry&) = delete;

    // --- the io thread ---
    // Takes over the descriptor and the place that was taken in the limit for it. Null, and both
    // given back, if there is no memory.
    Session* begin(SessionSurroundings& surroundings, const NewClient& client) noexcept;
    // Closes and forgets it.
    void end(Session& session) noexcept;
    // The visitor may end the session that it is given.
    void for_each(lib::FunctionRef<void(Session&)> visit) noexcept;

    // --- any thread ---
    void visit(lib::FunctionRef<void(const Session&)> visit) const;

  private:
    ConnectionLimit& limit_;
    mutable lib::Mutex mutex_;
    Session* first_ = nullptr;  // written under the lock, by the io thread
};

}  // namespace twincached::app
