#include "app/sessions/datagram_server.hpp"

#include "app/listeners/listening_socket.hpp"
#include "app/process/insist.hpp"

#include <netinet/in.h>
#include <sys/uio.h>

#include <array>
#include <cerrno>

namespace twincached::app {
namespace {

using boost::asio::posix::stream_descriptor;
using protocol::Count;

// The largest that UDP can carry.
constexpr std::size_t request_limit = 65536;
// Then sessions and timers have their turn.
constexpr unsigned requests_per_turn = 64;

std::uint16_t port_of(const sockaddr_storage& address) noexcept {
    // sin_port and sin6_port lie at the same place.
    return ntohs(reinterpret_cast<const sockaddr_in&>(address).sin_port);
}

}  // namespace

DatagramServer::DatagramServer(boost::asio::io_context& context, int descriptor,
                               SessionSurroundings& surroundings)
    : surroundings_(surroundings),
      descriptor_(context, descriptor),
      port_(local_port(descriptor)),
      request_(request_limit) {}

void DatagramServer::start() noexcept {
    const auto serve = [this](const boost::system::error_code& error) {
        if (error || !descriptor_.is_open()) return;
        serve_some();
        start();
    };
    insist([&] { descriptor_.async_wait(stream_descriptor::wait_read, serve); });
}

void DatagramServer::stop() noexcept {
    boost::system::error_code ignored;
    descriptor_.close(ignored);
}

void DatagramServer::serve_some() {
    for (unsigned i = 0; i < requests_per_turn; ++i) {
        const auto moment = surroundings_.clock.moment();
        surroundings_.pauses.runs_at(moment.boot_ms);
        if (drop_stale()) return;
        Sender sender;
        sender.size = sizeof sender.address;
        const auto size = ::recvfrom(descriptor_.native_handle(), request_.data(), request_.size(),
                                     0, reinterpret_cast<sockaddr*>(&sender.address), &sender.size);
        if (size < 0 && errno == EINTR) continue;
        if (size < 0) return;
        answer({request_.data(), static_cast<std::size_t>(size)}, sender, moment.now);
    }
}

bool DatagramServer::drop_stale() noexcept {
    if (surroundings_.pauses.pauses() == pauses_dealt_with_) return false;
    pauses_dealt_with_ = surroundings_.pauses.pauses();
    char byte = 0;
    while (::recv(descriptor_.native_handle(), &byte, 1, 0) >= 0 || errno == EINTR)
        surroundings_.counters.totals.add(Count::udp_dropped);
    return true;
}

void DatagramServer::answer(std::string_view datagram, const Sender& sender,
                            const storage::Now& now) {
    auto& totals = surroundings_.counters.totals;
    totals.add(Count::bytes_read, datagram.size());
    totals.add(Count::udp_requests);
    answer_.clear();
    std::optional<std::uint16_t> id;
    if (!protocol::is_suspicious_port(port_of(sender.address), port_)) {
        id = protocol::DatagramConversation(surroundings_.service, surroundings_.counters,
                                            descriptor_.native_handle())
                 .answer(datagram, now, answer_);
    }
    if (!id) return totals.add(Count::udp_dropped);
    send(protocol::AnswerDatagrams(*id, answer_.readable()), sender);
}

void DatagramServer::send(const protocol::AnswerDatagrams& answer, const Sender& to) noexcept {
    for (std::uint16_t i = 0; i < answer.count(); ++i) {
        auto header = answer.header(i).bytes();
        const auto payload = answer.payload(i);
        std::array<iovec, 2> parts{
            iovec{header.data(), header.size()},
            iovec{const_cast<char*>(payload.data()), payload.size()},
        };
        msghdr message{};
        message.msg_name = const_cast<sockaddr_storage*>(&to.address);
        message.msg_namelen = to.size;
        message.msg_iov = parts.data();
        message.msg_iovlen = parts.size();
        const auto sent = ::sendmsg(descriptor_.native_handle(), &message, MSG_DONTWAIT);
        // A client misses the rest as it would miss a datagram lost on the way, and asks again.
        if (sent < 0) return surroundings_.counters.totals.add(Count::udp_dropped);
        surroundings_.counters.totals.add(Count::bytes_written, static_cast<std::size_t>(sent));
    }
}

}  // namespace twincached::app
