#include "app/endpoint/admin_connection.hpp"

#include <boost/asio/buffer.hpp>
#include <boost/asio/write.hpp>

#include <sys/socket.h>

#include <utility>

namespace twincached::app {
namespace {

namespace asio = boost::asio;
using Error = boost::system::error_code;

}  // namespace

AdminConnection::AdminConnection(asio::io_context& context)
    : socket_(context), deadline_(context) {}

bool AdminConnection::take(int descriptor) {
    Error error;
    socket_.assign(descriptor, error);
    return !error;
}

void AdminConnection::serve(const AnswerTo& answer_to, bool may_act) {
    answer_to_ = &answer_to;
    may_act_ = may_act;
    await(patience);
    read();
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
                                self->on_read(count);
                            });
}

void AdminConnection::on_read(std::size_t count) {
    // The time for a whole request begins with its first byte.
    if (!reader_.has_begun()) await(patience);
    advance(reader_.feed({input_.data(), count}));
}

void AdminConnection::advance(RequestReader::Progress progress) {
    using Progress = RequestReader::Progress;
    if (progress == Progress::more) return read();
    const bool is_request = progress == Progress::request;
    output_ = reader_.text_of(is_request ? answer() : reader_.refusal());
    write(is_request && reader_.keeps_open());
}

Answer AdminConnection::answer() const {
    auto request = reader_.request();
    request.may_act = may_act_;
    return (*answer_to_)(request);
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
