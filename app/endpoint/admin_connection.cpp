#include "app/endpoint/admin_connection.hpp"

#include "app/process/system_clock.hpp"

#include <boost/asio/buffer.hpp>
#include <boost/asio/write.hpp>

#include <sys/socket.h>

#include <utility>

namespace twincached::app {
namespace {

namespace asio = boost::asio;
using Error = boost::system::error_code;

storage::Tick boot_second() noexcept {
    return static_cast<storage::Tick>(SystemClock::boot_ms() / 1000);
}

}  // namespace

AdminConnection::AdminConnection(asio::io_context& context)
    : socket_(context), deadline_(context) {}

bool AdminConnection::take(int descriptor) {
    Error error;
    socket_.assign(descriptor, error);
    return !error;
}

void AdminConnection::serve(const AnswerTo& answer_to, Trust trust) {
    answer_to_ = &answer_to;
    trust_ = trust;
    await(patience);
    read();
}

void AdminConnection::serve_by_tls(const AnswerTo& answer_to, const AdminAccess& access) {
    tls_ = access.accept();
    access_ = &access;
    serve(answer_to, Trust::stranger);
}

void AdminConnection::say(std::string line) {
    output_ = std::move(line);
    write(false);
}

void AdminConnection::close() noexcept {
    Error ignored;
    socket_.close(ignored);
    deadline_.cancel();
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
    output_ = reader_.text_of(is_request ? answer() : reader_.refusal());
    const bool goes_on = is_request && reader_.keeps_open();
    encrypt_output(!goes_on);
    write(goes_on);
}

Answer AdminConnection::answer() {
    auto request = reader_.request();
    request.trust = trust_in(request);
    return (*answer_to_)(request);
}

Trust AdminConnection::trust_in(const Request& request) {
    if (access_ == nullptr) return trust_;
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
