#include "app/endpoint/admin_connection.hpp"

#include "app/process/system_clock.hpp"
#include "lib/allocation.hpp"

#include <boost/asio/buffer.hpp>
#include <boost/asio/write.hpp>

#include <netinet/in.h>
#include <netinet/tcp.h>
#include <poll.h>
#include <sys/socket.h>

#include <utility>

namespace twincached::app {
namespace {

namespace asio = boost::asio;
using Error = boost::system::error_code;

storage::Tick boot_second() noexcept {
    return static_cast<storage::Tick>(SystemClock::boot_ms() / 1000);
}

// The system would keep minutes of a stream for a reader that has stopped, and wait as long for one
// that is gone: no such wait is of use here. What cannot be set (a unix socket knows no TCP) stays.
void keep_little_for(int descriptor, std::chrono::milliseconds patience) noexcept {
    const int bytes = 8 * 1024;  // the system takes twice as many
    (void)::setsockopt(descriptor, SOL_SOCKET, SO_SNDBUF, &bytes, sizeof bytes);
    const auto time = static_cast<unsigned>(patience.count());
    (void)::setsockopt(descriptor, IPPROTO_TCP, TCP_USER_TIMEOUT, &time, sizeof time);
}

}  // namespace

AdminConnection::AdminConnection(asio::io_context& context)
    : socket_(context), deadline_(context), step_(context) {}

bool AdminConnection::take(int descriptor) {
    Error error;
    socket_.assign(descriptor, error);
    return !error;
}

void AdminConnection::serve(const Service& service, Trust trust) {
    service_ = &service;
    trust_ = trust;
    await(patience);
    read();
}

void AdminConnection::serve_by_tls(const Service& service, const AdminAccess& access) {
    tls_ = access.accept();
    access_ = &access;
    serve(service, Trust::stranger);
}

void AdminConnection::say(std::string line) {
    output_ = std::move(line);
    write(false);
}

void AdminConnection::close() noexcept {
    Error ignored;
    socket_.close(ignored);
    deadline_.cancel();
    step_.cancel();
}

void AdminConnection::await(std::chrono::seconds time) {
    deadline_.expires_after(time);
    deadline_.async_wait([self = shared_from_this()](const Error& error) {
        if (!error) self->close();
    });
}

void AdminConnection::read() {
    is_waiting_ = true;
    socket_.async_read_some(asio::buffer(input_),
                            [self = shared_from_this()](const Error& error, std::size_t count) {
                                if (error) return self->close();
                                self->on_read({self->input_.data(), count});
                            });
}

void AdminConnection::on_read(std::string_view bytes) {
    if (!tls_) return on_plaintext(bytes);
    const auto plaintext = decrypted(bytes);
    if (!plaintext.empty()) return on_plaintext(plaintext);
    const auto state = tls_->state();
    const bool is_over =
        state == lib::TlsStream::State::failed || state == lib::TlsStream::State::ended;
    if (is_over) {
        encrypt_output(true);
        return write(false);
    }
    send_handshake();
}

void AdminConnection::on_plaintext(std::string_view bytes) {
    // The time for a whole request begins with its first byte.
    if (!reader_.has_begun()) await(patience);
    advance(reader_.feed(bytes));
}

// No more than was read and what had come of a record before.
std::string AdminConnection::decrypted(std::string_view bytes) {
    tls_->incoming().append(bytes);
    std::string plaintext;
    std::array<char, 4096> piece;
    while (const auto count = tls_->read(piece))
        plaintext.append(piece.data(), count);
    return plaintext;
}

// What is to be sent, as it goes out.
void AdminConnection::encrypt_output(bool is_last) {
    if (!tls_) return;
    (void)tls_->write(output_);
    if (is_last) tls_->say_goodbye();
    output_ = tls_->outgoing().readable();
    tls_->outgoing().clear();
}

// It may have nothing to say, for half of a record has come.
void AdminConnection::send_handshake() {
    if (tls_->outgoing().readable().empty()) return read();
    output_.clear();
    encrypt_output(false);
    asio::async_write(socket_, asio::buffer(output_),
                      [self = shared_from_this()](const Error& error, std::size_t) {
                          if (error) return self->close();
                          self->read();
                      });
}

void AdminConnection::advance(RequestReader::Progress progress) {
    using Progress = RequestReader::Progress;
    if (progress == Progress::more) return read();
    const bool is_request = progress == Progress::request;
    if (is_request && reader_.request().method == "POST" && has_hung_up()) return close();
    const auto answered = is_request ? answer() : reader_.refusal();
    output_ = reader_.text_of(answered);
    if (answered.is_stream) return begin_stream();
    const bool goes_on = is_request && reader_.keeps_open();
    encrypt_output(!goes_on);
    write(goes_on);
}

// Who gave an order while this process stood still, and was not heard, has given another one since,
// to the other node perhaps. Whoever still wants it waits for the answer. A client of a unix socket
// may have closed the half that it speaks by; one that speaks TLS has not.
bool AdminConnection::has_hung_up() noexcept {
    pollfd entry{socket_.native_handle(), static_cast<short>(tls_ ? POLLRDHUP : 0), 0};
    constexpr short gone = POLLRDHUP | POLLHUP | POLLERR;
    return ::poll(&entry, 1, 0) > 0 && (entry.revents & gone) != 0;
}

Answer AdminConnection::answer() {
    auto request = reader_.request();
    asked_with_ = request.trust = trust_in(request);
    return service_->answer_to(request);
}

Trust AdminConnection::trust_in(const Request& request) {
    if (access_ == nullptr) {
        return trust_ == Trust::owner ? trust_of_user_by(request.host) : trust_;
    }
    const auto trust = access_->trust_in(request.authorization);
    if (trust == Trust::refused) access_->note_refused(socket_.native_handle(), boot_second());
    return trust;
}

void AdminConnection::write(bool then_goes_on) {
    is_waiting_ = false;
    await(patience);
    asio::async_write(socket_, asio::buffer(output_),
                      [self = shared_from_this(), then_goes_on](const Error& error, std::size_t) {
                          if (error) return self->close();
                          if (!then_goes_on) return self->part();
                          const auto next = self->reader_.feed({});
                          self->await(self->reader_.has_begun() ? patience : idle_patience);
                          self->advance(next);
                      });
}

// Whoever is told events has nothing more to say: his next byte ends it, as his leaving does.
void AdminConnection::begin_stream() {
    is_stream_ = true;
    is_waiting_ = false;
    deadline_.cancel();
    keep_little_for(socket_.native_handle(), patience);
    if (!events_.add(output_)) return close();
    socket_.async_read_some(
        asio::buffer(input_),
        [self = shared_from_this()](const Error&, std::size_t) { self->close(); });
    step();
}

void AdminConnection::step() {
    bool is_told = false;
    const bool has_memory = lib::has_memory_for([&] {
        is_told = events_.add(service_->next_events(feed_, asked_with_));
        if (!is_told) return;
        flush();
        step_.expires_after(LiveFeed::interval);
        step_.async_wait([self = shared_from_this()](const Error& error) {
            if (!error && self->is_open()) self->step();
        });
    });
    if (!has_memory || !is_told) close();
}

void AdminConnection::flush() {
    const auto text = events_.begin_write();
    if (text.empty()) return;
    output_ = text;
    encrypt_output(false);
    await(patience);
    asio::async_write(socket_, asio::buffer(output_),
                      [self = shared_from_this()](const Error& error, std::size_t) {
                          if (error) return self->close();
                          self->deadline_.cancel();
                          self->events_.on_written();
                          self->flush();
                      });
}

void AdminConnection::part() {
    (void)::shutdown(socket_.native_handle(), SHUT_WR);
    is_waiting_ = true;
    await(parting_patience);
    discard();
}

void AdminConnection::discard() {
    socket_.async_read_some(asio::buffer(input_),
                            [self = shared_from_this()](const Error& error, std::size_t) {
                                if (error) return self->close();
                                self->discard();
                            });
}

}  // namespace twincached::app
