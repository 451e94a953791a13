#include "test/bench/load/connection.hpp"

#include <arpa/inet.h>
#include <netinet/in.h>
#include <netinet/tcp.h>
#include <sys/socket.h>
#include <unistd.h>

#include <algorithm>
#include <array>
#include <cerrno>
#include <charconv>
#include <cstring>

namespace twincached::load {
namespace {

constexpr std::size_t longest_answer_line = 4096;
constexpr std::size_t line_end_bytes = 2;

int connect_to(const Options& options) {
    sockaddr_in address{};
    address.sin_family = AF_INET;
    address.sin_port = htons(options.port);
    if (inet_pton(AF_INET, options.host.c_str(), &address.sin_addr) != 1) {
        give_up("not an address: " + options.host);
    }
    const int descriptor = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);
    if (descriptor < 0) give_up(std::string("socket: ") + std::strerror(errno));
    if (connect(descriptor, reinterpret_cast<const sockaddr*>(&address), sizeof address) < 0) {
        give_up("connect to port " + std::to_string(options.port) + ": " + std::strerror(errno));
    }
    const int yes = 1;
    setsockopt(descriptor, IPPROTO_TCP, TCP_NODELAY, &yes, sizeof yes);
    return descriptor;
}

void append_number(std::string& out, std::uint64_t value) {
    char digits[20];
    out.append(digits, std::to_chars(digits, digits + sizeof digits, value).ptr);
}

}  // namespace

Connection::Connection(const Options& options, const Content& content)
    : options_(options), content_(content), descriptor_(connect_to(options)) {}

Connection::~Connection() {
    close(descriptor_);
}

void Connection::add_get(KeyStream& keys, std::uint64_t due_ns) {
    if (options_.meta) {
        output_ += "mg ";
        content_.append_key(output_, keys.next());
        output_ += " v\r\n";
        pending_.push_back({due_ns, 1, true});
        return;
    }
    output_ += "get";
    for (unsigned i = 0; i < options_.keys_per_get; ++i) {
        output_ += ' ';
        content_.append_key(output_, keys.next());
    }
    output_ += "\r\n";
    pending_.push_back({due_ns, options_.keys_per_get, true});
}

void Connection::add_set(std::uint32_t key, std::uint64_t due_ns) {
    const auto value = content_.value(key);
    output_ += options_.meta ? "ms " : "set ";
    content_.append_key(output_, key);
    output_ += options_.meta ? " " : " 0 0 ";
    append_number(output_, value.size());
    output_ += "\r\n";
    output_ += value;
    output_ += "\r\n";
    pending_.push_back({due_ns, 1, false});
}

void Connection::flush() {
    while (has_output()) {
        const auto count = send(descriptor_, output_.data() + sent_, output_.size() - sent_,
                                MSG_NOSIGNAL | MSG_DONTWAIT);
        if (count < 0 && errno == EINTR) continue;
        if (count < 0 && (errno == EAGAIN || errno == EWOULDBLOCK)) return;
        if (count < 0) give_up(std::string("send: ") + std::strerror(errno));
        sent_ += static_cast<std::size_t>(count);
    }
    output_.clear();
    sent_ = 0;
}

void Connection::read(Tally& tally, std::uint64_t now_ns) {
    static std::array<char, 256 * 1024> buffer;  // one thread; its content lives within a call
    for (;;) {
        const auto count = recv(descriptor_, buffer.data(), buffer.size(), MSG_DONTWAIT);
        if (count < 0 && errno == EINTR) continue;
        if (count < 0 && (errno == EAGAIN || errno == EWOULDBLOCK)) return;
        if (count < 0) give_up(std::string("recv: ") + std::strerror(errno));
        if (count == 0)
            give_up("the server closed a connection; first error: " + tally.first_error);
        parse(tally, {buffer.data(), static_cast<std::size_t>(count)}, now_ns);
        if (static_cast<std::size_t>(count) < buffer.size()) return;
    }
}

void Connection::parse(Tally& tally, std::string_view bytes, std::uint64_t now_ns) {
    while (!bytes.empty()) {
        if (value_left_ > 0) {
            bytes.remove_prefix(take_value(tally, bytes, now_ns));
            continue;
        }
        const auto end = bytes.find('\n');
        if (end == bytes.npos) {
            line_ += bytes;
            if (line_.size() > longest_answer_line) give_up("an answer's line has no end");
            return;
        }
        auto line = bytes.substr(0, end);
        if (!line_.empty()) {
            line_ += line;
            line = line_;
        }
        if (!line.empty() && line.back() == '\r') line.remove_suffix(1);
        take_line(tally, line, now_ns);
        line_.clear();
        bytes.remove_prefix(end + 1);
    }
}

void Connection::take_line(Tally& tally, std::string_view line, std::uint64_t now_ns) {
    if (pending_.empty()) {
        tally.failed(line);  // nothing was asked
        return;
    }
    const bool is_get = pending_.front().is_get;
    if (is_get && line.substr(0, value_word().size()) == value_word()) {
        begin_value(tally, line);
        return;
    }
    const std::string_view stored = options_.meta ? "HD" : "STORED";
    const std::string_view end = options_.meta ? "EN" : "END";
    if (line != (is_get ? end : stored)) tally.failed(line);
    if (!is_get && line == stored) ++tally.stored;
    finish(tally, now_ns);
}

void Connection::begin_value(Tally& tally, std::string_view line) {
    std::uint64_t size = 0;
    const auto last = options_.meta ? value_word().size() : line.rfind(' ') + 1;
    std::from_chars(line.data() + last, line.data() + line.size(), size);
    ++tally.hits;
    ++hits_;
    value_left_ = size + line_end_bytes;
    if (!options_.verify) return;
    const auto key = line.substr(6, options_.key_bytes);
    std::uint32_t number = 0;
    const auto digits = key.substr(key.size() - std::min<std::size_t>(key.size(), 8));
    std::from_chars(digits.data(), digits.data() + digits.size(), number);
    expected_ = content_.value(number);
    is_value_bad_ = expected_.size() != size;
}

// The value of a meta get is its whole answer; an END follows that of a classic one.
std::size_t Connection::take_value(Tally& tally, std::string_view bytes, std::uint64_t now_ns) {
    const auto count = std::min<std::uint64_t>(value_left_, bytes.size());
    if (options_.verify) {
        const auto part = std::min<std::size_t>(count, expected_.size());
        if (bytes.substr(0, part) != expected_.substr(0, part)) is_value_bad_ = true;
        expected_.remove_prefix(part);
    }
    value_left_ -= count;
    if (value_left_ == 0 && is_value_bad_) {
        ++tally.bad_values;
        is_value_bad_ = false;
    }
    if (value_left_ == 0 && options_.meta) finish(tally, now_ns);
    return count;
}

void Connection::finish(Tally& tally, std::uint64_t now_ns) {
    const auto& request = pending_.front();
    tally.answered(now_ns - std::min(now_ns, request.due_ns));
    tally.keys += request.keys;
    if (request.is_get) tally.misses += request.keys - std::min(hits_, request.keys);
    hits_ = 0;
    pending_.pop_front();
}

}  // namespace twincached::load
