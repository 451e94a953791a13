// The admin endpoint: where a node tells of itself, on a thread and listeners of its own. Nothing
// that clients do reaches it: it takes no place in their limits, waits for none of their threads,
// and answers before the client ports open, while they are closed, and while the node stops.
// Whoever asks without end, or not at all, takes one of a few places, and the oldest of those who
// say nothing gives its up to the next one.
//
//     listeners -> connections (bytes, deadlines) -> reader (HTTP) -> answers (pages) -> node view
//
// Owned by the server; the control thread builds, starts and destroys it.
#pragma once

#include "app/endpoint/admin_connection.hpp"
#include "app/endpoint/entry/admin_access.hpp"
#include "app/endpoint/entry/admin_listeners.hpp"
#include "app/endpoint/node_actions.hpp"
#include "app/endpoint/node_view.hpp"
#include "app/process/log.hpp"

#include <boost/asio/io_context.hpp>
#include <boost/asio/posix/stream_descriptor.hpp>
#include <boost/asio/steady_timer.hpp>

#include <list>
#include <memory>
#include <string>
#include <thread>
#include <vector>

namespace twincached::app {

class AdminEndpoint {
  public:
    // Connections at the same time.
    static constexpr std::size_t places = 32;
    // Of these, such as look on by /live; of strangers, and of the node's user.
    static constexpr std::size_t stream_places = 8;

    // Binds, opens nothing. Throws what a person should read. All must outlive it.
    AdminEndpoint(const EndpointOptions& options, const AdminAccess& access, const NodeParts& node,
                  Log& log);
    ~AdminEndpoint();  // ends the thread

    // From here on it answers. REQUIRES: the io threads were started. Throws std::system_error.
    void start();

  private:
    struct Listener;

    void run();
    void watch(Listener& listener);
    void accept_all(Listener& listener);
    void welcome(Listener& listener, int descriptor);
    bool make_place(bool for_owner);
    void pause(Listener& listener);

    Answer answer_to(const Request& request) const;
    Answer answer_within_places(const Request& request) const;
    std::string next_events(LiveFeed& feed, Trust trust) const;

    const AdminAccess& access_;
    const NodeParts node_;
    const NodeActions actions_;
    Log& log_;
    const std::string peer_console_;  // see EndpointOptions
    const AdminConnection::Service service_;
    boost::asio::io_context context_{1};  // hint: one thread runs it
    AdminListeners bound_;
    std::vector<std::unique_ptr<Listener>> open_;
    // In the order in which they came.
    std::list<std::weak_ptr<AdminConnection>> connections_;
    std::thread thread_;
};

}  // namespace twincached::app
