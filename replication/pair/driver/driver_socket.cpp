#include "replication/pair/driver/driver_socket.hpp"

#include <netinet/tcp.h>
#include <sys/socket.h>

#include <algorithm>
#include <string>
#include <utility>
#include <vector>

namespace twincached::replication::pair {

namespace asio = boost::asio;

namespace {

using boost::system::error_code;
using TlsState = lib::TlsStream::State;

// The kernel's own keepalives notice a peer that vanished while the link was at rest, should the
// heartbeats ever be slower.
constexpr int keepalive_idle_seconds = 5;
constexpr int keepalive_interval_seconds = 1;
constexpr int keepalive_probes = 3;
constexpr int user_timeout_ms = 5000;
// So that a heartbeat waits behind little that has not left the machine, however large the send
// buffer has grown.
constexpr int unsent_limit_bytes = 256 << 10;
constexpr std::size_t gather_limit = 8;
constexpr std::size_t joined_limit_bytes = 4U << 10;
// What is encrypted before it is sent: a heartbeat waits behind no more than this.
constexpr std::size_t encrypt_limit_bytes = 64U << 10;
// How a TLS client begins: a handshake record. No frame of ours does.
constexpr std::string_view tls_greeting = "\x16\x03";
// How each of our frames begins; no record of TLS does.
constexpr std::string_view frame_beginning = "\xC7";

void set_tcp_option(asio::ip::tcp::socket& socket, int name, int value) noexcept {
    // Each is a refinement: without it the link works all the same.
    (void)::setsockopt(socket.native_handle(), IPPROTO_TCP, name, &value, sizeof value);
}

std::string_view sentence(const error_code& error, std::string& storage) {
    if (error == asio::error::eof) return "the peer closed the connection";
    storage = error.message();
    return storage;
}

}  // namespace

LinkSocket::LinkSocket(asio::ip::tcp::socket socket, ConnectionId id, Owner& owner,
                       std::unique_ptr<lib::TlsStream> tls)
    : socket_(std::move(socket)), id_(id), owner_(owner), tls_(std::move(tls)) {}

// Buffer sizes are left to the kernel, whose tuning goes to several MiB; an explicit size would be
// cut to net.core.wmem_max (208 KiB by default) and would switch that tuning off.
void LinkSocket::configure() noexcept {
    error_code ignored;
    socket_.non_blocking(true, ignored);
    socket_.set_option(asio::ip::tcp::no_delay(true), ignored);
    socket_.set_option(asio::socket_base::keep_alive(true), ignored);
    set_tcp_option(socket_, TCP_KEEPIDLE, keepalive_idle_seconds);
    set_tcp_option(socket_, TCP_KEEPINTVL, keepalive_interval_seconds);
    set_tcp_option(socket_, TCP_KEEPCNT, keepalive_probes);
    set_tcp_option(socket_, TCP_USER_TIMEOUT, user_timeout_ms);
    set_tcp_option(socket_, TCP_NOTSENT_LOWAT, unsent_limit_bytes);
}

void LinkSocket::start() {
    configure();
    if (tls_) {
        tls_->shake_hands();  // a client's begins
        write_encrypted();
    }
    go_on();
}

void LinkSocket::go_on() {
    if (!open_ || reading_ || !owner_.listens(id_)) return;
    reading_ = true;
    read();
}

void LinkSocket::read() {
    socket_.async_wait(asio::socket_base::wait_read,
                       [self = shared_from_this()](const error_code& error) {
                           self->reading_ = false;
                           if (!self->open_) return;
                           if (error) return self->fail(error);
                           self->on_readable();
                       });
}

void LinkSocket::on_readable() {
    const auto space = owner_.read_space();
    error_code error;
    const auto count = socket_.read_some(asio::buffer(space.data(), space.size()), error);
    if (error == asio::error::would_block) return go_on();
    if (error && tls_ && tls_->state() == TlsState::handshake) {
        return fail("the other end closed the connection instead of a TLS handshake");
    }
    if (error) return fail(error);
    const bool is_first = !std::exchange(has_heard_, true);
    if (tls_ && is_first && std::string_view(space.data(), count).starts_with(frame_beginning)) {
        part_over_tls(ErrorReason::tls_here,
                      "TLS on the link failed: what came in is not TLS: the peer speaks none, this "
                      "node does (tls of [replication])");
    } else if (tls_) {
        decrypt(space, count);
    } else if (is_first && std::string_view(space.data(), count).starts_with(tls_greeting)) {
        part_over_tls(ErrorReason::tls_there,
                      "the other end speaks TLS on the link, and this node has none");
    } else {
        owner_.on_bytes(id_, {space.data(), count});
    }
    go_on();
}

void LinkSocket::decrypt(std::span<char> space, std::size_t count) {
    tls_->incoming().append({space.data(), count});
    while (const auto plain = tls_->read(space)) {
        owner_.on_bytes(id_, {space.data(), plain});
        if (!open_) return;
    }
    // Its part of the handshake, what had to wait for that, or a last alert.
    if (!writing_) write_encrypted();
    if (tls_->state() == TlsState::ended) fail("the peer closed the connection");
    if (tls_->state() == TlsState::failed)
        fail("TLS on the link failed: " + tls_->why(), Closing::mismatch);
}

void LinkSocket::send(lib::ByteBuffer bytes) {
    if (!open_) return;
    // Small ones share a buffer, or the buffers would take more than what lies in them. The one
    // that is being written stays as it is.
    const bool joins = bytes.size() < joined_limit_bytes && queue_.size() > gather_limit;
    if (joins) queue_.back().append(bytes.readable());
    if (!joins) queue_.push_back(std::move(bytes));
    if (writing_) return;
    if (tls_) return write_encrypted();
    write();
}

// As much of the queue as is sent at once.
void LinkSocket::encrypt() {
    while (!queue_.empty() && plain_sending_ < encrypt_limit_bytes) {
        auto& front = queue_.front();
        const auto piece = front.readable().substr(0, encrypt_limit_bytes - plain_sending_);
        if (!tls_->write(piece)) return;  // the handshake is not over yet
        plain_sending_ += piece.size();
        front.consume(piece.size());
        if (front.empty()) queue_.pop_front();
    }
}

void LinkSocket::write_encrypted() {
    if (sending_.empty()) {
        encrypt();
        sending_.swap(tls_->outgoing());
    }
    if (sending_.empty()) return;
    writing_ = true;
    socket_.async_write_some(
        asio::buffer(sending_.readable().data(), sending_.size()),
        [self = shared_from_this()](const error_code& error, std::size_t count) {
            self->writing_ = false;
            if (!self->open_) return;
            if (error) return self->fail(error);
            self->sending_.consume(count);
            const auto sent = self->sending_.empty() ? std::exchange(self->plain_sending_, 0) : 0;
            self->write_encrypted();
            if (sent > 0) self->owner_.on_sent(self->id_, sent);
        });
}

void LinkSocket::write() {
    writing_ = true;
    std::vector<asio::const_buffer> buffers;
    for (const auto& bytes : queue_) {
        if (buffers.size() == gather_limit) break;
        buffers.push_back(asio::buffer(bytes.readable().data(), bytes.size()));
    }
    socket_.async_write_some(
        buffers, [self = shared_from_this()](const error_code& error, std::size_t count) {
            self->writing_ = false;
            if (!self->open_) return;
            if (error) return self->fail(error);
            auto rest = count;
            while (rest > 0) {
                auto& front = self->queue_.front();
                const auto taken = std::min(rest, front.size());
                front.consume(taken);
                rest -= taken;
                if (front.empty()) self->queue_.pop_front();
            }
            if (!self->queue_.empty()) self->write();
            self->owner_.on_sent(self->id_, count);
        });
}

void LinkSocket::fail(const error_code& error) {
    std::string storage;
    fail(sentence(error, storage), error == asio::error::eof ? Closing::in_order : Closing::broken);
}

void LinkSocket::part_over_tls(ErrorReason reason, std::string_view why) {
    lib::ByteBuffer frame;
    write_frame(frame, Error{reason, std::string(text_of(reason))});
    error_code ignored;
    socket_.write_some(asio::buffer(frame.readable().data(), frame.size()), ignored);
    close();
    owner_.on_closed(id_, why, Closing::mismatch);
}

void LinkSocket::fail(std::string_view why, Closing how) {
    // What is said last, such as an alert, should it be ready.
    error_code ignored;
    if (tls_ && !writing_) {
        const auto last = tls_->outgoing().readable();
        socket_.write_some(asio::buffer(last.data(), last.size()), ignored);
    }
    close();
    owner_.on_closed(id_, why, how);
}

void LinkSocket::reset() noexcept {
    error_code ignored;
    socket_.set_option(asio::socket_base::linger(true, 0), ignored);
    close();
}

void LinkSocket::close() noexcept {
    open_ = false;
    error_code ignored;
    socket_.close(ignored);
}

}  // namespace twincached::replication::pair
