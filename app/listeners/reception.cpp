#include "app/listeners/reception.hpp"

#include "app/listeners/proxy_header.hpp"
#include "app/process/insist.hpp"

#include <boost/asio/posix/stream_descriptor.hpp>
#include <boost/asio/steady_timer.hpp>

#include <sys/socket.h>
#include <unistd.h>

#include <array>
#include <cerrno>
#include <new>
#include <utility>

namespace twincached::app {

namespace asio = boost::asio;

struct Reception::Connection {
    // Throws std::bad_alloc, also where the kernel has no memory to watch it, and does not own the
    // descriptor then.
    Connection(asio::io_context& context, const NewClient& new_client)
        : client(new_client), socket(context), deadline(context) {
        boost::system::error_code error;
        socket.assign(client.descriptor, error);
        if (error) throw std::bad_alloc();
    }
    // What was accepted goes to its session, or is closed.
    ~Connection() {
        socket.release();
        if (client.descriptor >= 0) ::close(client.descriptor);
    }
    Connection(const Connection&) = delete;
    Connection& operator=(const Connection&) = delete;

    NewClient client;
    asio::posix::stream_descriptor socket;
    asio::steady_timer deadline;
    std::array<char, proxy_header_limit> header;
    std::size_t size = 0;           // of the header's beginning
    bool names_its_client = false;  // else the proxy speaks for itself
};

Reception::Reception(asio::io_context& context, std::vector<Network> proxies,
                     ConnectionLimit& limit, Admit admit)
    : context_(context), proxies_(std::move(proxies)), limit_(limit), admit_(std::move(admit)) {}

Reception::~Reception() {
    close();
}

void Reception::close() noexcept {
    while (!connections_.empty())
        turn_away(connections_.begin()->first);
}

// Whoever finds no memory here is turned away.
void Reception::take(const NewClient& client) noexcept {
    const auto number = ++last_number_;
    if (lib::has_memory_for([&] { begin(number, client); })) return serve(number);
    ++failed_;
    if (!connections_.contains(number)) ::close(client.descriptor);
    turn_away(number);
}

void Reception::begin(std::uint64_t number, const NewClient& client) {
    auto& connection = connections_.try_emplace(number, context_, client).first->second;
    connection.deadline.expires_after(patience);
    connection.deadline.async_wait([this, number](const boost::system::error_code& error) {
        if (error || !connections_.contains(number)) return;
        ++failed_;
        turn_away(number);
    });
}

void Reception::wait(std::uint64_t number) noexcept {
    const auto go_on = [this, number](const boost::system::error_code& error) {
        if (!error && connections_.contains(number)) serve(number);
    };
    auto& socket = connections_.at(number).socket;
    insist([&] { socket.async_wait(asio::posix::stream_descriptor::wait_read, go_on); });
}

void Reception::serve(std::uint64_t number) noexcept {
    auto& connection = connections_.at(number);
    switch (read(connection)) {
        case Progress::waits:
            return wait(number);
        case Progress::failed:
            ++failed_;
            return turn_away(number);
        case Progress::introduced:
            break;
    }
    ++introduced_;
    const auto client = connection.client;
    const bool is_proxy = !connection.names_its_client;
    connection.client.descriptor = -1;
    connections_.erase(number);
    admit_(client, is_proxy);
}

// Looks at what has arrived before taking it, so that nothing behind the header is taken.
Reception::Progress Reception::read(Connection& connection) {
    for (;;) {
        auto* const room = connection.header.data() + connection.size;
        const auto peeked =
            ::recv(connection.client.descriptor, room, connection.header.size() - connection.size,
                   MSG_PEEK | MSG_DONTWAIT);
        if (peeked < 0 && errno == EINTR) continue;
        if (peeked < 0 && errno == EAGAIN) return Progress::waits;
        if (peeked <= 0) return Progress::failed;
        const auto progress = understand(connection, static_cast<std::size_t>(peeked));
        if (progress != Progress::waits) return progress;
    }
}

Reception::Progress Reception::understand(Connection& connection, std::size_t peeked) {
    const auto parsed = parse_proxy_header({connection.header.data(), connection.size + peeked});
    if (parsed.state == ProxyHeader::State::broken) return Progress::failed;
    const bool is_complete = parsed.state == ProxyHeader::State::complete;
    const auto taken = is_complete ? parsed.size - connection.size : peeked;
    auto* const room = connection.header.data() + connection.size;
    if (::recv(connection.client.descriptor, room, taken, MSG_DONTWAIT) !=
        static_cast<ssize_t>(taken)) {
        return Progress::failed;
    }
    connection.size += taken;
    if (!is_complete) return Progress::waits;
    connection.names_its_client = parsed.client.has_value();
    if (parsed.client) connection.client.address = *parsed.client;
    return Progress::introduced;
}

void Reception::turn_away(std::uint64_t number) noexcept {
    connections_.erase(number);
    limit_.give_back();
}

}  // namespace twincached::app
