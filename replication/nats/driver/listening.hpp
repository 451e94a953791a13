// For whom libnats' threads listen. They may still call when a subscription and its connection are
// gone, and nothing tells when they have called for the last time: so what they carry is a number,
// and whoever it stood for is found by it, or is not there any more.
#pragma once

#include "lib/mutex.hpp"
#include "replication/nats/driver/intake.hpp"

#include <cstdint>
#include <memory>
#include <optional>
#include <string>

namespace twincached::replication::nats {

// What the broker said last that a node's user may not do, as libnats' thread hears it.
class Denial {
  public:
    void note(std::string text);
    std::string text() const;  // empty: nothing

  private:
    mutable lib::Mutex mutex_;
    std::string text_ GUARDED_BY(mutex_);
};

struct Listener {
    std::shared_ptr<Intake> intake;
    std::uint64_t connection = 0;
    Channel channel = 0;
    std::shared_ptr<Denial> denial{};  // of the connection's own listener
};

// From its making to its end the listener is found by what libnats carries.
class Listening {
  public:
    explicit Listening(Listener listener);
    ~Listening();
    Listening(Listening&& other) noexcept;
    Listening& operator=(Listening&& other) noexcept;

    void* carried() const noexcept;
    static std::optional<Listener> find(const void* carried);

  private:
    std::uintptr_t number_ = 0;  // 0: moved from
};

}  // namespace twincached::replication::nats
