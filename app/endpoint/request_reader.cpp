#include "app/endpoint/request_reader.hpp"

#include <boost/asio/buffer.hpp>
#include <boost/beast/http/empty_body.hpp>
#include <boost/beast/http/error.hpp>
#include <boost/beast/http/parser.hpp>
#include <boost/beast/http/status.hpp>

#include <fmt/format.h>

namespace twincached::app {
namespace {

namespace http = boost::beast::http;

// RFC 9110 (400, 413, 505) and RFC 6585 (431).
unsigned status_of(const boost::system::error_code& error) noexcept {
    if (error == http::error::header_limit || error == http::error::buffer_overflow) return 431;
    const bool has_body = error == http::error::body_limit || error == http::error::unexpected_body;
    if (has_body) return 413;
    return error == http::error::bad_version ? 505 : 400;
}

std::string_view why(unsigned status) noexcept {
    switch (status) {
        case 413:
            return "no request here has a body\n";
        case 431:
            return "the head of the request is too long\n";
        case 505:
            return "HTTP/1.0 and HTTP/1.1 are spoken here\n";
        default:
            return "this is no HTTP request\n";
    }
}

std::string_view view(boost::beast::string_view text) noexcept {
    return {text.data(), text.size()};
}

}  // namespace

struct RequestReader::Parser : http::request_parser<http::empty_body> {};

RequestReader::RequestReader() {
    begin();
}

RequestReader::~RequestReader() = default;

void RequestReader::begin() {
    parser_ = std::make_unique<Parser>();
    parser_->header_limit(head_limit);
    parser_->body_limit(std::uint64_t{0});
    parser_->eager(true);
}

// What follows the end of a request is the next one, kept until somebody asks for it. After a
// refusal nothing is read any more: where the next request would begin is not known.
RequestReader::Progress RequestReader::feed(std::string_view bytes) {
    if (parser_->is_done()) begin();
    pending_.append(bytes);
    while (!pending_.empty()) {
        boost::system::error_code error;
        const auto used =
            parser_->put(boost::asio::const_buffer(pending_.data(), pending_.size()), error);
        pending_.erase(0, used);
        if (error == http::error::need_more) {
            if (pending_.size() <= head_limit) return Progress::more;
            error = http::error::header_limit;
        }
        if (error) {
            refused_with_ = status_of(error);
            keeps_open_ = false;
            return Progress::refused;
        }
        if (parser_->is_done()) return take();
        if (used == 0) return Progress::more;
    }
    return Progress::more;
}

RequestReader::Progress RequestReader::take() {
    const auto& head = parser_->get();
    request_.method = view(head.method_string());
    request_.target = view(head.target());
    request_.accept = view(head[http::field::accept]);
    request_.authorization = view(head[http::field::authorization]);
    request_.origin = view(head[http::field::origin]);
    request_.host = view(head[http::field::host]);
    keeps_open_ = parser_->keep_alive();
    return Progress::request;
}

Answer RequestReader::refusal() const {
    return {.status = refused_with_, .body = std::string(why(refused_with_))};
}

std::string RequestReader::text_of(const Answer& answer) const {
    const auto reason = view(http::obsolete_reason(http::int_to_status(answer.status)));
    auto text = fmt::format(
        "HTTP/1.1 {} {}\r\nContent-Type: {}\r\nCache-Control: no-store\r\n"
        "X-Content-Type-Options: nosniff\r\nConnection: {}\r\n",
        answer.status, reason, answer.type,
        keeps_open_ && !answer.is_stream ? "keep-alive" : "close");
    // The end of a stream is the connection's.
    if (!answer.is_stream) text += fmt::format("Content-Length: {}\r\n", answer.body.size());
    if (answer.status == 401) text += "WWW-Authenticate: Bearer\r\n";
    if (!answer.allow.empty()) text += fmt::format("Allow: {}\r\n", answer.allow);
    text += answer.more_headers;
    text += "\r\n";
    const bool is_head = refused_with_ == 0 && request_.method == "HEAD";
    if (!is_head) text += answer.body;
    return text;
}

}  // namespace twincached::app
