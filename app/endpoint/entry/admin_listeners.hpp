// The sockets of the admin endpoint, bound when the server is built, so that a taken port is an
// error then. `local` is a unix socket in Linux's abstract namespace (unix(7)): it needs no folder
// and no right to one, two nodes of a machine never meet in it, and nothing of it is left when the
// process has ended. Its name is "\0twincached/admin/PID", or that with ".2", ".3" where another
// process of that number is in the same network namespace, as in a pod.
//
// Owned by the endpoint; the control thread builds it.
#pragma once

#include "app/endpoint/entry/endpoint_options.hpp"
#include "app/listeners/listening_socket.hpp"

#include <string>
#include <string_view>
#include <vector>

namespace twincached::app {

// Behind the zero byte; the number of the process follows.
inline constexpr std::string_view local_socket_prefix = "twincached/admin/";

class AdminListeners {
  public:
    enum class Kind : std::uint8_t { http, agent };
    struct Listener {
        ListeningSocket socket;
        Kind kind;
        // Of `local`, which has no file whose mode could say who may come: this process's user and
        // root alone.
        bool asks_who = false;

        bool speaks_tls() const noexcept { return socket.tls() != ListenerTls::none; }
    };

    // Throws what a person should read.
    explicit AdminListeners(const EndpointOptions& options);

    // Whoever connects from here on is not refused. Throws std::system_error.
    void open();

    std::vector<Listener>& all() noexcept { return listeners_; }
    // A line for the log for each address that this machine does not have.
    const std::vector<std::string>& absent() const noexcept { return absent_; }

  private:
    void add(const std::vector<std::string>& places, Kind kind, std::string_view key);
    void add_local();

    std::vector<Listener> listeners_;
    std::vector<std::string> absent_;
};

// For a check of the configuration: a line for each address that this machine does not have.
// Throws, as the listeners would, where it has none. No port is taken, so a node that runs is no
// obstacle.
std::vector<std::string> absent_listeners(const EndpointOptions& options,
                                          ListenerPlaces::Bind try_place);

// Whether who is at the other end of a unix socket is this process's user, or root. Of any other
// socket nobody is.
bool is_of_this_user(int descriptor) noexcept;

}  // namespace twincached::app
