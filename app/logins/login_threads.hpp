// Threads for judging logins where that blocks: saslauthd, and behind it PAM or LDAP, may take
// seconds or never answer. So many work at a time, so many wait; who comes then is refused. A
// thread that hangs when all ends is left behind: nothing that it may still touch goes before it.
// Owned by whoever judges; any thread.
#pragma once

#include <cstddef>
#include <functional>
#include <memory>

namespace twincached::app {

class LoginThreads {
  public:
    static constexpr std::size_t threads = 4;
    static constexpr std::size_t waiting_limit = 64;

    // Throws std::system_error if there is no thread to be had.
    LoginThreads();
    ~LoginThreads();
    LoginThreads(const LoginThreads&) = delete;
    LoginThreads& operator=(const LoginThreads&) = delete;

    // Done by one of them, unless the end comes first. It owns what it needs and must not throw.
    // False: too many wait. Throws std::bad_alloc.
    [[nodiscard]] bool add(std::function<void()> work);

  private:
    struct Line;

    const std::shared_ptr<Line> line_;  // with the threads
};

}  // namespace twincached::app
