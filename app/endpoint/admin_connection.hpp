// Somebody who asks: bytes of one socket to the reader, answers back, and a deadline for each step,
// so that who is slow, or says nothing, holds a place for seconds and no more. It ends in order:
// what it sends is read to its end before the socket is closed, else the kernel would throw away
// an answer that the other end has not read yet. Over TLS it is the same, with a filter between
// socket and reader; the handshake has the patience of a request.
//
// Shared by its pending operations and, weakly, by the endpoint. The endpoint's thread.
#pragma once

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

    using AnswerTo = std::function<Answer(const Request&)>;

    explicit AdminConnection(boost::asio::io_context& context);

    // Owns the descriptor from here on; false if the kernel has no room to watch it, and then the
    // caller's it is still. Once, first.
    [[nodiscard]] bool take(int descriptor);

    // One of these, once. `answer_to` and `access` must outlive it. `trust`: in whoever is at the
    // other end; over TLS each request tells.
    void serve(const AnswerTo& answer_to, Trust trust);
    void serve_by_tls(const AnswerTo& answer_to, const AdminAccess& access);
    void say(std::string line);

    // At once; what is pending ends.
    void close() noexcept;
    bool is_open() const noexcept { return socket_.is_open(); }
    // Whether nothing is being answered: it can go if its place is needed.
    bool is_waiting() const noexcept { return is_waiting_; }

  private:
    void await(std::chrono::seconds time);
    void read();
    void on_read(std::string_view bytes);
    void on_plaintext(std::string_view bytes);
    std::string decrypted(std::string_view bytes);
    void encrypt_output(bool is_last);
    void send_handshake();
    void advance(RequestReader::Progress progress);
    Answer answer();
    Trust trust_in(const Request& request);
    void write(bool then_goes_on);
    void part();
    void discard();

    boost::asio::posix::stream_descriptor socket_;
    boost::asio::steady_timer deadline_;
    const AnswerTo* answer_to_ = nullptr;
    Trust trust_ = Trust::stranger;
    const AdminAccess* access_ = nullptr;  // null: in the clear
    std::unique_ptr<lib::TlsStream> tls_;  // likewise
    RequestReader reader_;
    std::array<char, 4096> input_;
    std::string output_;
    bool is_waiting_ = true;
};

}  // namespace twincached::app
