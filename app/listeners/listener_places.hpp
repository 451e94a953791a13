// From what operators write of listeners to the addresses that sockets are bound to, and what
// becomes of those that this machine does not have: a family that its kernel lacks, an address of
// no interface. As long as one of the list can be had, the others cost a line in the log and
// nothing else; an address that an interface gets later (a virtual IP that keepalived brings) is
// bound at once and served from the moment it is there. What the machine has and does not give,
// such as a port that is taken, is an error, and so is a name that does not resolve.
//
// Used by whoever binds, at the start, on the control thread; names are resolved blocking.
#pragma once

#include <sys/socket.h>

#include <cstdint>
#include <functional>
#include <string>
#include <utility>
#include <vector>

namespace twincached::app {

struct PlaceAddress {
    sockaddr_storage address{};
    socklen_t size = 0;
    bool is_early = false;  // to be bound although no interface has it
};

class ListenerPlaces {
  public:
    // Keeps a socket, or throws std::system_error.
    using Bind = std::function<void(const PlaceAddress&)>;

    // `socket_type`: SOCK_STREAM or SOCK_DGRAM.
    ListenerPlaces(int socket_type, Bind bind)
        : socket_type_(socket_type), bind_(std::move(bind)) {}

    // Every address of the host; empty: all interfaces. `option` is who asks for it, as messages
    // name it: "listen (-l) ::1". Throws std::runtime_error with a sentence.
    void add(const std::string& option, const std::string& host, std::uint16_t port);

    // After the last: a line for the log for each that cannot be had now. Throws
    // std::runtime_error if that are all.
    std::vector<std::string> finish();

  private:
    struct Wanted {
        std::string option;
        PlaceAddress at;
    };
    bool try_now(const std::string& option, const PlaceAddress& at, std::vector<Wanted>& later);

    const int socket_type_;
    const Bind bind_;
    bool has_any_ = false;
    std::vector<Wanted> later_;
    std::vector<std::string> absent_;  // a sentence each, without its end
};

// Lets a socket be bound to an address that no interface has yet. False if the kernel refuses.
bool allow_early_bind(int descriptor, int family) noexcept;

}  // namespace twincached::app
