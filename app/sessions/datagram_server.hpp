// Serves one UDP socket on one io thread: a request is one datagram and is answered at once. Owned
// by the thread that it serves on.
#pragma once

#include "app/sessions/session.hpp"
#include "lib/byte_buffer.hpp"
#include "protocol/datagram.hpp"

#include <boost/asio/io_context.hpp>
#include <boost/asio/posix/stream_descriptor.hpp>

#include <sys/socket.h>

#include <cstdint>
#include <vector>

namespace twincached::app {

class DatagramServer {
  public:
    // Owns the descriptor, a bound, non-blocking datagram socket.
    DatagramServer(boost::asio::io_context& context, int descriptor,
                   SessionSurroundings& surroundings);
    DatagramServer(const DatagramServer&) = delete;
    DatagramServer& operator=(const DatagramServer&) = delete;

    // The io thread.
    void start() noexcept;
    void stop() noexcept;
    // If the thread has stood still since this was asked last: what waits is dropped, for it may
    // have been sent meanwhile. True then.
    bool drop_stale() noexcept;

  private:
    struct Sender {
        sockaddr_storage address{};
        socklen_t size = 0;
    };

    void serve_some();
    void answer(std::string_view datagram, const Sender& sender, const storage::Now& now);
    void send(const protocol::AnswerDatagrams& answer, const Sender& to) noexcept;

    SessionSurroundings& surroundings_;
    boost::asio::posix::stream_descriptor descriptor_;
    const std::uint16_t port_;
    std::uint32_t pauses_dealt_with_ = 0;
    std::vector<char> request_;
    lib::ByteBuffer answer_;
};

}  // namespace twincached::app
