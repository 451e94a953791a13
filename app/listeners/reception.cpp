#include "app/listeners/reception.hpp"

#include "app/listeners/proxy_header.hpp"

#include <boost/asio/posix/stream_descriptor.hpp>
#include <boost/asio/steady_timer.hpp>

#include <sys/socket.h>
#include <unistd.h>

#include <array>
#include <cerrno>
#include <utility>

namespace twincached::app {

namespace asio = boost::asio;

struct Reception::Guest {
    Guest(asio::io_context& context, const NewClient& new_client)
        : client(new_client), socket(context, new_client.descriptor), deadline(context) {}
    // What was accepted goes to its session, or is closed.
    ~Guest() {
        socket.release();
        if (client.descriptor >= 0) ::close(client.descriptor);
    }
    Guest(const Guest&) = delete;
    Guest& operator=(const Guest&) = delete;

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
    while (!guests_.empty())
        turn_away(guests_.begin()->first);
}

void Reception::take(const NewClient& client) {
    const auto number = ++last_number_;
    auto& guest = guests_.try_emplace(number, context_, client).first->second;
    guest.deadline.expires_after(patience);
    guest.deadline.async_wait([this, number](const boost::system::error_code& error) {
        if (error || !guests_.contains(number)) return;
        ++failed_;
        turn_away(number);
    });
    serve(number);
}

void Reception::wait(std::uint64_t number) {
    guests_.at(number).socket.async_wait(asio::posix::stream_descriptor::wait_read,
                                         [this, number](const boost::system::error_code& error) {
                                             if (!error && guests_.contains(number)) serve(number);
                                         });
}

void Reception::serve(std::uint64_t number) {
    auto& guest = guests_.at(number);
    switch (read(guest)) {
        case Progress::waits:
            return wait(number);
        case Progress::failed:
            ++failed_;
            return turn_away(number);
        case Progress::introduced:
            break;
    }
    ++introduced_;
    const auto client = guest.client;
    const bool is_proxy = !guest.names_its_client;
    guest.client.descriptor = -1;
    guests_.erase(number);
    admit_(client, is_proxy);
}

// Looks at what has arrived before taking it, so that nothing behind the header is taken.
Reception::Progress Reception::read(Guest& guest) {
    for (;;) {
        auto* const room = guest.header.data() + guest.size;
        const auto peeked = ::recv(guest.client.descriptor, room, guest.header.size() - guest.size,
                                   MSG_PEEK | MSG_DONTWAIT);
        if (peeked < 0 && errno == EINTR) continue;
        if (peeked < 0 && errno == EAGAIN) return Progress::waits;
        if (peeked <= 0) return Progress::failed;
        const auto progress = understand(guest, static_cast<std::size_t>(peeked));
        if (progress != Progress::waits) return progress;
    }
}

Reception::Progress Reception::understand(Guest& guest, std::size_t peeked) {
    const auto parsed = parse_proxy_header({guest.header.data(), guest.size + peeked});
    if (parsed.state == ProxyHeader::State::broken) return Progress::failed;
    const bool is_complete = parsed.state == ProxyHeader::State::complete;
    const auto taken = is_complete ? parsed.size - guest.size : peeked;
    auto* const room = guest.header.data() + guest.size;
    if (::recv(guest.client.descriptor, room, taken, MSG_DONTWAIT) != static_cast<ssize_t>(taken)) {
        return Progress::failed;
    }
    guest.size += taken;
    if (!is_complete) return Progress::waits;
    guest.names_its_client = parsed.client.has_value();
    if (parsed.client) guest.client.address = *parsed.client;
    return Progress::introduced;
}

void Reception::turn_away(std::uint64_t number) noexcept {
    guests_.erase(number);
    limit_.give_back();
}

}  // namespace twincached::app
