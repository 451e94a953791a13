// Sockets that clients connect to: bound early, so that a taken port is an error at start-up,
// opened later, when the node is ready: until then the kernel refuses connections. A unix socket's
// path appears when it is opened.
#pragma once

#include "app/addresses/endpoint.hpp"
#include "app/listeners/listener_options.hpp"
#include "app/listeners/listener_places.hpp"
#include "app/listeners/path_lock.hpp"
#include "app/process/file_identity.hpp"

#include <sys/socket.h>
#include <sys/un.h>

#include <cstdint>
#include <memory>
#include <string>
#include <string_view>
#include <vector>

namespace twincached::app {

// Where a unix socket will stand.
struct UnixPlace {
    std::string option;  // who asks for it, as messages name it: "unix-socket (-s)"
    std::string path;
    unsigned mode = 0700;  // for whom it is
};

class ListeningSocket {
  public:
    // Owns the descriptor.
    ListeningSocket(int descriptor, int family, ListenerTls tls) noexcept
        : descriptor_(descriptor), family_(family), tls_(tls) {}
    ListeningSocket(int descriptor, UnixPlace place, std::unique_ptr<PathLock> lock) noexcept;
    ListeningSocket(ListeningSocket&& other) noexcept;
    ListeningSocket& operator=(ListeningSocket&&) = delete;
    ~ListeningSocket();  // closes; removes a unix socket's path, if it is still its own

    // From here on clients may connect. Throws std::system_error.
    void open(int backlog);
    // From here on they may not, until it is opened again.
    void shut() noexcept;

    int descriptor() const noexcept { return descriptor_; }
    int family() const noexcept { return family_; }
    std::uint16_t port() const noexcept;               // 0 for a unix socket
    std::string text() const;                          // "tcp:127.0.0.1:11211", "unix:/path"
    ListenerTls tls() const noexcept { return tls_; }  // never `usual` without TLS

  private:
    void bind_path();
    bool move_path(const std::string& from, const std::string& to) const noexcept;

    int descriptor_;
    int family_;
    ListenerTls tls_ = ListenerTls::none;
    UnixPlace place_;                 // of a unix socket
    std::unique_ptr<PathLock> lock_;  // on that
    FileIdentity file_;               // of that socket, once it is bound
    bool is_open_ = false;
    bool is_bound_ = false;  // a unix socket, whether it can be found at its path or not
};

struct BoundListeners {
    std::vector<ListeningSocket> sockets;
    std::vector<std::string> absent;  // a line for the log for each that cannot be had now
};

// All that the options ask for and this machine has, or may have later: see listener_places.hpp.
// Throws std::system_error (with memcached's exit status in mind: the caller ends with 71) or
// std::runtime_error with a sentence that names the option and the address.
BoundListeners bind_listeners(const ListenerOptions& options, bool tls);

// What would be absent if each place were tried so; throws as bind_listeners() does. For a check,
// which keeps nothing: a node that runs may have the ports.
std::vector<std::string> absent_listeners(const ListenerOptions& options,
                                          ListenerPlaces::Bind try_place);

// One of each kind. They throw the same. A unix socket's path is this process's from here on.
ListeningSocket bind_tcp(const PlaceAddress& place, ListenerTls tls);
ListeningSocket bind_unix(UnixPlace place);
// Throws std::runtime_error with the option and the limit: the kernel would cut a longer path
// without a word.
sockaddr_un unix_address(const std::string& option, const std::string& path);
// Under this name a unix socket is bound; it moves to its own when it can be connected to. A path
// that is as long as an address can be gives up its last letters for it.
std::string unopened_path(const std::string& path);

// "tcp:127.0.0.1:47768", "tcp6:[::1]:11211", "unix:/path": an end of a socket, as memcached's
// `stats conns` writes it.
std::string end_text(const sockaddr_storage& address, socklen_t length);
std::string local_end(int descriptor);
std::string remote_end(int descriptor);
std::uint16_t local_port(int descriptor);  // 0 for a unix socket

}  // namespace twincached::app
