// A nats-server of a test's own, on a port that was free, with its files in a folder that goes with
// it; it ends with the test, however that ends. It can be killed and started again at the same
// port, with what its folder holds or without.
#pragma once

#include <sys/types.h>

#include <cstdint>
#include <string>

namespace twincached::broker {

class NatsServer {
  public:
    // Fails the test if there is no nats-server (Debian's package of that name). `more`: lines of
    // its configuration.
    explicit NatsServer(std::string more = {});
    ~NatsServer();
    NatsServer(const NatsServer&) = delete;
    NatsServer& operator=(const NatsServer&) = delete;

    std::string place() const { return "127.0.0.1:" + std::to_string(port_); }
    std::string url() const { return "nats://" + place(); }
    const std::string& folder() const noexcept { return folder_; }

    void kill();
    void start();
    void forget_everything();
    void pause() const;
    void go_on() const;

  private:
    const std::string more_;
    std::string folder_;
    std::uint16_t port_ = 0;
    pid_t pid_ = -1;
};

}  // namespace twincached::broker
