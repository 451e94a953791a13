// Somebody who asks: bytes of one socket to the reader, answers back, and a deadline for each step,
// so that who is slow, or says nothing, holds a place for seconds and no more. It ends in order:
// what it sends is read to its end before the socket is closed, else the kernel would throw away
// an answer that the other end has not read yet. A stream of events goes on until the other end
// leaves, says another word, or does not take in time what has happened meanwhile. Over TLS it is
// the same, with a filter between socket and reader; the handshake has the patience of a request.
//
// Shared by its pending operations and, weakly, by the endpoint. The endpoint's thread.
#pragma once

#include "app/console/live_feed.hpp"
#include "app/console/stream_output.hpp"
#include "app/endpoint/entry/admin_access.hpp"
#include "app/endpoint/request_reader.hpp"
#include "lib/tls_stream.hpp"

#include <boost/asio/io_context.hpp>
#include <boost/asio/posix/stream_descriptor.hpp>
#include <boost/asio/steady_timer.hpp>

#include <array>
#include <chrono>
#include <functional>
#include <memory>
#include <string>
#include <string_view>

namespace twincached::app {

class AdminConnection : public std::enable_shared_from_this<AdminConnection> {
  public:
    // For a request to be complete, and for an answer to be taken.
    static constexpr std::chrono::seconds patience{5};
    // For the next request of a connection that is kept open.
    static constexpr std::chrono::seconds idle_patience{65};
    // For the other end to close, once all is said.
    static constexpr std::chrono::seconds parting_patience{1};

    // What the other end may ask for.
    struct Service {
        std::function<Answer(const Request&)> answer_to;
        // The next events of a stream, for somebody who asked for it with that trust.
        std::function<std::string(LiveFeed&, Trust)> next_events;
    };

    explicit AdminConnection(boost::asio::io_context& context);

    // Owns the descriptor from here on; false if the kernel has no room to watch it, and then the
    // caller's it is still. Once, first.
    [[nodiscard]] bool take(int descriptor);

    // One of these, once. `service` and `access` must outlive it. `trust`: in whoever is at the
    // other end; over TLS each request tells.
    void serve(const Service& service, Trust trust);
    void serve_by_tls(const Service& service, const AdminAccess& access);
    void say(std::string line);

    // At once; what is pending ends.
    void close() noexcept;
    bool is_open() const noexcept { return socket_.is_open(); }
    // Whether nothing is being answered: it can go if its place is needed.
    bool is_waiting() const noexcept { return is_waiting_; }
    bool is_stream() const noexcept { return is_stream_; }
    // The node's user or root, by a unix socket.
    bool is_owners() const noexcept { return trust_ == Trust::owner; }

  private:
    void await(std::chrono::seconds time);
    void read();
    void on_read(std::string_view bytes);
    void on_plaintext(std::string_view bytes);
    std::string decrypted(std::string_view bytes);
    void encrypt_output(bool is_last);
    void send_handshake();
    void advance(RequestReader::Progress progress);
    bool has_hung_up() noexcept;
    Answer answer();
    Trust trust_in(const Request& request);
    void write(bool then_goes_on);
    void begin_stream();
    void step();
    void flush();
    void part();
    void discard();

    boost::asio::posix::stream_descriptor socket_;
    boost::asio::steady_timer deadline_;
    boost::asio::steady_timer step_;
    const Service* service_ = nullptr;
    Trust trust_ = Trust::stranger;
    Trust asked_with_ = Trust::stranger;   // the last request
    const AdminAccess* access_ = nullptr;  // null: in the clear
    std::unique_ptr<lib::TlsStream> tls_;  // likewise
    RequestReader reader_;
    std::array<char, 4096> input_;
    std::string output_;
    bool is_waiting_ = true;

    bool is_stream_ = false;
    LiveFeed feed_;
    StreamOutput events_;
};

}  // namespace twincached::app
