// All sessions of one io thread: owns them, ends them, lists them. Changed by that thread alone;
// the lock lets other threads look on for `stats conns`.
#pragma once

#include "app/connection_limit.hpp"
#include "app/session.hpp"
#include "lib/function_ref.hpp"
#include "lib/mutex.hpp"

#include <chrono>
#include <cstddef>
#include <functional>

namespace twincached::app {

class SessionRegistry {
  public:
    // `on_room` is called after a session's place was given back.
    SessionRegistry(ConnectionLimit& limit, std::function<void()> on_room)
        : limit_(limit), on_room_(std::move(on_room)) {}
    ~SessionRegistry();
    SessionRegistry(const SessionRegistry&) = delete;
    SessionRegistry& operator=(const SessionRegistry&) = delete;

    // --- the io thread ---
    // Takes over the descriptor and the place that was taken in the limit for it.
    void begin(SessionSurroundings& surroundings, int descriptor, int family, std::uint64_t id);
    void end(Session& session) noexcept;
    void drain_all() noexcept;
    void abort_all() noexcept;
    // Ends sessions that were silent for `idle`, and those that do not take their answers for
    // `writing`; zero: never. Returns how many were silent.
    std::size_t sweep(storage::Tick now, std::chrono::seconds idle,
                      std::chrono::seconds writing) noexcept;

    // --- any thread ---
    void visit(lib::FunctionRef<void(const Session&)> visit) const;

  private:
    template <class Visit>
    void for_each(Visit visit) noexcept;

    ConnectionLimit& limit_;
    std::function<void()> on_room_;
    mutable lib::Mutex mutex_;
    Session* first_ = nullptr;  // written under the lock, by the io thread
};

}  // namespace twincached::app
