#include "app/endpoint/request_reader.hpp"

#include <catch2/catch.hpp>

#include <string>
#include <vector>

namespace twincached::app {
namespace {

using Progress = RequestReader::Progress;

// What came of the bytes: "GET /a", "refused 400"; then what is left is looked at.
std::vector<std::string> read_all(const std::string& bytes, std::size_t step) {
    RequestReader reader;
    std::vector<std::string> seen;
    for (std::size_t at = 0; at < bytes.size(); at += step) {
        auto progress = reader.feed(std::string_view(bytes).substr(at, step));
        while (progress == Progress::request) {
            const auto& request = reader.request();
            seen.push_back(std::string(request.method) + " " + std::string(request.target) + " " +
                           std::string(request.accept) + (reader.keeps_open() ? "" : " last"));
            progress = reader.feed({});
        }
        if (progress == Progress::refused) {
            seen.push_back("refused " + std::to_string(reader.refusal().status));
            return seen;
        }
    }
    return seen;
}

void check_at_every_split(const std::string& bytes, const std::vector<std::string>& expected) {
    for (std::size_t step = 1; step <= bytes.size(); ++step) {
        INFO(bytes << " in steps of " << step);
        REQUIRE(read_all(bytes, step) == expected);
    }
}

std::string answered_to(const std::string& bytes, const Answer& answer) {
    RequestReader reader;
    REQUIRE(reader.feed(bytes) == Progress::request);
    return reader.text_of(answer);
}

}  // namespace

TEST_CASE("requests are found in whatever pieces their bytes come") {
    check_at_every_split("GET /a HTTP/1.1\r\nHost: x\r\nAccept: text/plain\r\n\r\n",
                         {"GET /a text/plain"});
    check_at_every_split("GET /a HTTP/1.1\r\n\r\nHEAD /b HTTP/1.1\r\nConnection: close\r\n\r\n",
                         {"GET /a ", "HEAD /b  last"});
    check_at_every_split("GET /a HTTP/1.0\r\n\r\n", {"GET /a  last"});
    check_at_every_split("BREW /tea HTTP/1.1\r\n\r\n", {"BREW /tea "});
}

TEST_CASE("whose page asks, and by which name, is read from the head") {
    RequestReader reader;
    REQUIRE(reader.feed("GET / HTTP/1.1\r\nHost: evil.example:80\r\nOrigin: null\r\n\r\n") ==
            Progress::request);
    CHECK(reader.request().host == "evil.example:80");
    CHECK(reader.request().origin == "null");
    REQUIRE(reader.feed("GET / HTTP/1.0\r\n\r\n") == Progress::request);
    CHECK(reader.request().host.empty());
}

TEST_CASE("a request with a body, of another version, or that is none is refused") {
    check_at_every_split("GET /a HTTP/1.1\r\nContent-Length: 1\r\n\r\nx", {"refused 413"});
    check_at_every_split("GET /a HTTP/3.0\r\n\r\n", {"refused 505"});
    check_at_every_split("GET  HTTP/1.1\r\n\r\n", {"refused 400"});
    CHECK(read_all("\x16\x03\x01\x02 a TLS hello\r\n\r\n", 64) ==
          std::vector<std::string>{"refused 400"});
    CHECK(read_all("GET /a HTTP/1.1\r\nContent-Length: 1\r\nContent-Length: 2\r\n\r\n", 64) ==
          std::vector<std::string>{"refused 400"});
    CHECK(read_all("GET /a HTTP/1.1\r\nTransfer-Encoding: chunked\r\n\r\n1\r\nx\r\n0\r\n\r\n", 999)
              .front()
              .starts_with("refused"));
}

TEST_CASE("a head that does not end is refused at its limit, and not much is kept of it") {
    const std::string line = "X: " + std::string(60, 'x') + "\r\n";
    std::string head = "GET /a HTTP/1.1\r\n";
    while (head.size() + line.size() + 2 <= RequestReader::head_limit)
        head += line;
    CHECK(read_all(head + "\r\n", 1000) == std::vector<std::string>{"GET /a "});
    while (head.size() < 2 * RequestReader::head_limit)
        head += line;
    CHECK(read_all(head, 1000) == std::vector<std::string>{"refused 431"});
    CHECK(read_all("GET /" + std::string(2 * RequestReader::head_limit, 'a'), 1000) ==
          std::vector<std::string>{"refused 431"});
}

TEST_CASE("an answer says how long it is and whether another request may follow") {
    const Answer answer{.status = 503, .body = "not yet\n"};
    const auto text = answered_to("GET /readyz HTTP/1.1\r\n\r\n", answer);
    CHECK(text.starts_with("HTTP/1.1 503 Service Unavailable\r\n"));
    CHECK(text.find("\r\nContent-Length: 8\r\n") != std::string::npos);
    CHECK(text.find("\r\nConnection: keep-alive\r\n") != std::string::npos);
    CHECK(text.ends_with("\r\n\r\nnot yet\n"));
    CHECK(answered_to("GET /readyz HTTP/1.0\r\n\r\n", answer).find("\r\nConnection: close\r\n") !=
          std::string::npos);
}

TEST_CASE("HEAD is told how long the answer is, and not the answer") {
    const auto text = answered_to("HEAD /readyz HTTP/1.1\r\n\r\n", {.body = "ready\n"});
    CHECK(text.find("\r\nContent-Length: 6\r\n") != std::string::npos);
    CHECK(text.ends_with("\r\n\r\n"));
}

TEST_CASE("405 names the methods that would do") {
    const auto text =
        answered_to("PUT /readyz HTTP/1.1\r\n\r\n", {.status = 405, .allow = "GET, HEAD"});
    CHECK(text.find("\r\nAllow: GET, HEAD\r\n") != std::string::npos);
}

TEST_CASE("what is refused is answered in full, whatever the method was") {
    RequestReader reader;
    REQUIRE(reader.feed("HEAD /a HTTP/1.1\r\nContent-Length: 1\r\n\r\n") == Progress::refused);
    CHECK(reader.text_of(reader.refusal()).ends_with("\r\n\r\nno request here has a body\n"));
}

}  // namespace twincached::app
