#include "test/bench/load/channel.hpp"

#include "lib/tls_context.hpp"
#include "lib/tls_stream.hpp"

#include <arpa/inet.h>
#include <netinet/in.h>
#include <netinet/tcp.h>
#include <sys/socket.h>
#include <unistd.h>

#include <cerrno>
#include <cstring>
#include <string>
#include <utility>

namespace twincached::load {
namespace {

// What a TLS channel encrypts before the socket has taken it.
constexpr std::size_t most_encrypted = 256 * 1024;
constexpr std::size_t ciphertext_at_once = 64 * 1024;

class Plain : public Channel {
  public:
    explicit Plain(const Options& options) : descriptor_(connected(options)) {}
    ~Plain() override { close(descriptor_); }
    Plain(const Plain&) = delete;
    Plain& operator=(const Plain&) = delete;

    int descriptor() const override { return descriptor_; }
    bool is_open() const override { return true; }
    bool has_unsent() const override { return false; }
    bool may_hold_more() const override { return false; }

    std::size_t send(std::string_view bytes) override {
        std::size_t sent = 0;
        while (sent < bytes.size()) {
            const auto count = ::send(descriptor_, bytes.data() + sent, bytes.size() - sent,
                                      MSG_NOSIGNAL | MSG_DONTWAIT);
            if (count < 0 && errno == EINTR) continue;
            if (count < 0 && (errno == EAGAIN || errno == EWOULDBLOCK)) break;
            if (count < 0) give_up(std::string("send: ") + std::strerror(errno));
            sent += static_cast<std::size_t>(count);
        }
        return sent;
    }

    std::optional<std::size_t> receive(std::span<char> into) override {
        for (;;) {
            const auto count = recv(descriptor_, into.data(), into.size(), MSG_DONTWAIT);
            if (count > 0) return static_cast<std::size_t>(count);
            if (count == 0) return std::nullopt;
            if (errno == EINTR) continue;
            if (errno == EAGAIN || errno == EWOULDBLOCK) return 0;
            give_up(std::string("recv: ") + std::strerror(errno));
        }
    }

  private:
    static int connected(const Options& options) {
        sockaddr_in address{};
        address.sin_family = AF_INET;
        address.sin_port = htons(options.port);
        if (inet_pton(AF_INET, options.host.c_str(), &address.sin_addr) != 1) {
            give_up("not an address: " + options.host);
        }
        const int descriptor = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);
        if (descriptor < 0) give_up(std::string("socket: ") + std::strerror(errno));
        if (connect(descriptor, reinterpret_cast<const sockaddr*>(&address), sizeof address) < 0) {
            give_up("connect to port " + std::to_string(options.port) + ": " +
                    std::strerror(errno));
        }
        const int yes = 1;
        setsockopt(descriptor, IPPROTO_TCP, TCP_NODELAY, &yes, sizeof yes);
        return descriptor;
    }

    int descriptor_;
};

class Tls : public Channel {
  public:
    Tls(const Options& options, std::shared_ptr<const lib::TlsContext> context)
        : socket_(options), stream_(std::move(context), lib::TlsStream::Side::client) {
        stream_.shake_hands();
        pass_on();
    }
    // A farewell, so that the server sees an end and not an error.
    ~Tls() override {
        stream_.say_goodbye();
        const auto last = stream_.outgoing().readable();
        ::send(socket_.descriptor(), last.data(), last.size(), MSG_NOSIGNAL | MSG_DONTWAIT);
    }
    Tls(const Tls&) = delete;
    Tls& operator=(const Tls&) = delete;

    int descriptor() const override { return socket_.descriptor(); }
    bool is_open() const override { return stream_.state() == lib::TlsStream::State::open; }
    bool has_unsent() const override { return is_sending_; }
    bool may_hold_more() const override { return true; }

    std::size_t send(std::string_view bytes) override {
        std::size_t sent = 0;
        pass_on();
        while (is_open() && !has_unsent() && sent < bytes.size()) {
            const auto part = bytes.substr(sent, most_encrypted);
            if (!stream_.write(part)) give_up("TLS: " + stream_.why());
            sent += part.size();
            pass_on();
        }
        return sent;
    }

    std::optional<std::size_t> receive(std::span<char> into) override {
        for (;;) {
            const auto count = stream_.read(into);
            pass_on();
            if (stream_.state() == lib::TlsStream::State::failed) give_up("TLS: " + stream_.why());
            if (count > 0) return count;
            if (stream_.state() == lib::TlsStream::State::ended) return std::nullopt;
            auto& incoming = stream_.incoming();
            const auto more =
                socket_.receive({incoming.prepare(ciphertext_at_once), ciphertext_at_once});
            if (!more || *more == 0) return more;
            incoming.commit(*more);
        }
    }

  private:
    void pass_on() {
        auto& outgoing = stream_.outgoing();
        if (!outgoing.empty()) outgoing.consume(socket_.send(outgoing.readable()));
        is_sending_ = !outgoing.empty();
    }

    Plain socket_;
    lib::TlsStream stream_;
    bool is_sending_ = false;
};

}  // namespace

std::unique_ptr<Channel> connect_to(const Options& options,
                                    std::shared_ptr<const lib::TlsContext> tls) {
    if (tls) return std::make_unique<Tls>(options, std::move(tls));
    return std::make_unique<Plain>(options);
}

std::shared_ptr<const lib::TlsContext> tls_for_load() {
    auto context = lib::TlsContext::load({});
    if (context.has_error()) give_up("TLS: " + context.error());
    return std::move(*context);
}

}  // namespace twincached::load
