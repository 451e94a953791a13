// A network for drivers that speak TCP: relays on this machine, which pass bytes on in pieces of
// any size, or hold them, or break. One thread; owned by a test.
#pragma once

#include "test/drivers/network.hpp"

#include <atomic>
#include <cstdint>
#include <memory>
#include <mutex>
#include <string>
#include <thread>
#include <vector>

namespace twincached::test {

// A port of that address that nobody listens on now.
std::uint16_t free_port(const std::string& host);

class TcpNetwork final : public Network {
  public:
    TcpNetwork();
    ~TcpNetwork() override;

    // A new relay: whoever calls it, "host:port", reaches `place`, "host:port".
    std::string relay_to(const std::string& place);

    void cut() override { is_cut_ = true; }
    void mend() override { is_cut_ = false; }
    void tear() override;

  private:
    struct Relay {
        int listener = -1;
        std::string place;
    };
    // Bytes that were read at one end and not yet written at the other.
    struct Pipe {
        int from = -1;
        int to = -1;
        std::string held{};
        bool has_ended = false;
    };
    void run();
    void accept(const Relay& relay);
    bool pass(Pipe& pipe);
    void close_all();

    std::atomic<bool> is_cut_{false};
    std::atomic<bool> is_over_{false};
    std::mutex mutex_;
    std::vector<Relay> relays_;
    std::vector<Pipe> pipes_;  // two by two: there, and back
    unsigned pieces_ = 0;
    std::thread thread_;
};

}  // namespace twincached::test
