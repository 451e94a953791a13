// Conversations that must say first who speaks: memcached's -Y and -S. The answers are those that
// memcached 1.6.18 with libsasl gave to the same bytes.
#include "lib/endian.hpp"
#include "protocol/binary/binary_answer.hpp"
#include "test/unit/protocol/test_service.hpp"

#include <catch2/catch.hpp>

#include <string>

namespace twincached::protocol::test {

namespace {

using namespace std::string_literals;

constexpr auto unauthenticated = "CLIENT_ERROR unauthenticated\r\n";
const std::string login = "set x 0 0 10\r\napp secret\r\n";

PasswordTable one_user() {
    auto table = PasswordTable::parse("app:secret\n", PasswordFormat::whole_line);
    return std::move(*table);
}

struct Guarded {
    Guarded() {
        service.shared().login_credentials.replace(one_user());
        service.shared().sasl_credentials.replace(one_user());
        service.settings_to_change().login_required = true;
        service.settings_to_change().sasl_required = true;
    }
    std::string say(std::string_view bytes, std::size_t piece = SIZE_MAX) {
        Client client(service);
        auto answers = client.say(bytes, piece);
        closed = client.closed;
        return answers;
    }
    std::uint64_t attempts() const { return service.total(Count::auth_cmds); }
    std::uint64_t errors() const { return service.total(Count::auth_errors); }

    TestService service;
    bool closed = false;
};

enum Opcode : std::uint8_t {
    op_get = 0x00,
    op_set = 0x01,
    op_quit = 0x07,
    op_no_op = 0x0a,
    op_version = 0x0b,
    op_stat = 0x10,
    op_set_quiet = 0x11,
    op_list = 0x20,
    op_start = 0x21,
    op_step = 0x22,
    op_unknown = 0x60,
};

std::string packet(std::uint8_t opcode, std::string_view key = "", std::string_view value = "",
                   std::string_view extras = "") {
    std::string bytes(binary_header_size, '\0');
    bytes[0] = static_cast<char>(binary_request_magic);
    bytes[1] = static_cast<char>(opcode);
    lib::store_big(bytes.data() + 2, static_cast<std::uint16_t>(key.size()));
    bytes[4] = static_cast<char>(extras.size());
    lib::store_big(bytes.data() + 8,
                   static_cast<std::uint32_t>(key.size() + extras.size() + value.size()));
    return bytes + std::string(extras) + std::string(key) + std::string(value);
}

std::string answer(std::uint8_t opcode, BinaryStatus status, std::string_view value) {
    auto bytes = packet(opcode, "", value);
    bytes[0] = static_cast<char>(binary_answer_magic);
    lib::store_big(bytes.data() + 6, static_cast<std::uint16_t>(status));
    return bytes;
}

std::string refusal(std::uint8_t opcode) {
    return answer(opcode, BinaryStatus::authentication, "Auth failure.");
}

const std::string right = "\0app\0secret"s;
const std::string wrong = "\0app\0wrong"s;
const std::string welcome = answer(op_start, BinaryStatus::ok, "Authenticated");
const std::string miss = answer(op_get, BinaryStatus::not_found, "Not found");

}  // namespace

TEST_CASE("before its login a text client is told so, whatever it asks for") {
    for (const auto line : {"version",
                            "stats",
                            "get x",
                            "mn",
                            "mg x v",
                            "quit",
                            "shutdown",
                            "flush_all",
                            "",
                            " ",
                            "      ",
                            "set",
                            "set x 0 0",
                            "set x 0 0 -1",
                            "add x 0 0 10",
                            "watch",
                            "gets x",
                            "gat 0 x",
                            "gats 0 x",
                            "replace x 0 0 1",
                            "append x 0 0 1",
                            "prepend x 0 0 1",
                            "cas x 0 0 1 1",
                            "incr x 1",
                            "decr x 1",
                            "delete x",
                            "touch x 0",
                            "ms x 1",
                            "md x",
                            "ma x",
                            "me x",
                            "stats items",
                            "stats reset",
                            "stats conns",
                            "lru_crawler metadump all",
                            "slabs automove 1",
                            "lru mode flat",
                            "cache_memlimit 64",
                            "verbosity 1",
                            "refresh_certs",
                            "shutdown graceful",
                            "flush_all 0 noreply",
                            "mn q",
                            "nonsense"}) {
        INFO(line);
        Guarded server;
        CHECK(server.say(line + "\r\n"s) == unauthenticated);
        CHECK_FALSE(server.closed);
        CHECK(server.attempts() == 0);
    }
}

TEST_CASE("a login opens the conversation, at every split of the input") {
    const auto talk = "version\r\n" + login + "set x 0 0 1\r\n1\r\nget x\r\n";
    for (std::size_t piece = 1; piece <= talk.size(); ++piece) {
        Guarded server;
        CHECK(server.say(talk, piece) ==
              unauthenticated + "STORED\r\nSTORED\r\nVALUE x 0 1\r\n1\r\nEND\r\n"s);
        CHECK(server.attempts() == 1);
        CHECK(server.errors() == 0);
    }
}

TEST_CASE("a failed login is told, counted and may be repeated") {
    Guarded server;
    CHECK(server.say("set x 0 0 9\r\napp wrong\r\nget x\r\n" + login + "mn\r\n") ==
          "CLIENT_ERROR authentication failure\r\n"s + unauthenticated + "STORED\r\nMN\r\n");
    CHECK(server.attempts() == 2);
    CHECK(server.errors() == 1);
}

TEST_CASE("after five failures in a row the connection is closed, with the last one's answer") {
    constexpr auto failure = "CLIENT_ERROR authentication failure\r\n";
    const std::string attempt = "set x 0 0 9\r\napp wrong\r\n";
    const auto several = [](std::string_view one, int count) {
        std::string all;
        for (int i = 0; i < count; ++i)
            all += one;
        return all;
    };
    SECTION("as text") {
        Guarded server;
        CHECK(server.say(several(attempt, 7)) == several(failure, 5));
        CHECK(server.closed);
        CHECK(server.errors() == 5);
        CHECK(server.service.total(Count::auth_kicks) == 1);
    }
    SECTION("of whatever kind") {
        Guarded server;
        const auto all = attempt + "set x 0 0 3\r\napp\r\n" + "set x 0 0 9999\r\n" +
                         "set x 0 0 10\r\napp secretXX" + attempt;
        CHECK(server.say(all + login).find("STORED") == std::string::npos);
        CHECK(server.closed);
        CHECK(server.errors() == 2);
        CHECK(server.service.total(Count::auth_kicks) == 1);
    }
    SECTION("in binary, also of one that was open") {
        Guarded server;
        const auto opened = packet(op_start, "PLAIN", right);
        const auto failed = packet(op_start, "PLAIN", wrong);
        CHECK(server.say(opened + several(failed, 6)) == welcome + several(refusal(op_start), 5));
        CHECK(server.closed);
        CHECK(server.service.total(Count::auth_kicks) == 1);
    }
    SECTION("with a mechanism that is not spoken, and in steps") {
        Guarded server;
        const auto unknown = packet(op_start, "CRAM-MD5", right);
        const auto step = packet(op_step, "PLAIN", wrong);
        CHECK(server.say(several(unknown + step, 3)) ==
              several(refusal(op_start) + refusal(op_step), 2) + refusal(op_start));
        CHECK(server.closed);
    }
    SECTION("and a login between them begins anew") {
        Guarded server;
        CHECK(server.say(several(packet(op_start, "PLAIN", wrong), 4) +
                         packet(op_start, "PLAIN", right) +
                         several(packet(op_start, "PLAIN", wrong), 4)) ==
              several(refusal(op_start), 4) + welcome + several(refusal(op_start), 4));
        CHECK_FALSE(server.closed);
        CHECK(server.service.total(Count::auth_kicks) == 0);
    }
}

TEST_CASE("a mechanism of a longer name than memcached reads is a fault of the request") {
    Guarded server;
    const auto start = [](std::size_t size) {
        return packet(op_start, std::string(size, 'P'), right);
    };
    const auto fault = answer(op_start, BinaryStatus::invalid, "Invalid arguments");
    CHECK(server.say(start(32) + start(33) + packet(op_start, "PLAIN", right)) ==
          refusal(op_start) + fault + welcome);
    CHECK(server.attempts() == 2);
    CHECK(server.errors() == 1);
    CHECK(server.say(start(33) + start(64) + start(33) + start(64) + start(33) + start(33)) ==
          fault + fault + fault + fault + fault);
    CHECK(server.closed);
}

TEST_CASE("a login's key, flags, time and further words may be anything") {
    Guarded server;
    CHECK(server.say("set " + std::string(300, 'k') + " y z 10 noreply\r\napp secret\r\nmn\r\n") ==
          "STORED\r\nMN\r\n");
}

TEST_CASE("a login that is no login is refused with memcached's words") {
    Guarded server;
    CHECK(server.say("set x 0 0 0\r\n\r\n") == "CLIENT_ERROR bad authentication token format\r\n");
    CHECK(server.say("set x 0 0 3\r\napp\r\n") ==
          "CLIENT_ERROR bad authentication token format\r\n");
    CHECK(server.say("set x 0 0 10\r\napp secretXX") ==
          "CLIENT_ERROR bad command line termination\r\n");
    CHECK(server.attempts() == 0);
}

TEST_CASE("who is not known gets no memory: long lines close the connection") {
    Guarded server;
    CHECK(server.say(std::string(3000, 'x')) == "");
    CHECK(server.closed);
    CHECK(server.say("get " + std::string(3000, 'x')) == "");
    CHECK(server.closed);
    CHECK(server.say("GET / HTTP/1.1\r\n") == "");
    CHECK(server.closed);
}

TEST_CASE("a login of as many bytes as one may have is judged, as memcached does") {
    Guarded server;
    const auto token = "nobody " + std::string(2041, 't');
    CHECK(server.say("set x 0 0 2048\r\n" + token + "\r\nversion\r\n") ==
          "CLIENT_ERROR authentication failure\r\nCLIENT_ERROR unauthenticated\r\n");
    CHECK(server.attempts() == 1);
    CHECK(server.errors() == 1);
}

TEST_CASE("after a login that is too long the next line is a request, as with memcached") {
    Guarded server;
    const std::string refusal = "CLIENT_ERROR auth token too long\r\n";
    for (const std::string size : {"2049", "4294967295"}) {
        CHECK(server.say("set x 0 0 " + size + "\r\nget a\r\nset x 0 0 10\r\napp secret\r\n") ==
              refusal + "CLIENT_ERROR unauthenticated\r\nSTORED\r\n");
        CHECK_FALSE(server.closed);
    }
    // The token itself is that line. Only there it may be longer than others.
    const std::string token(5000, 't');
    const auto attempt = "set x 0 0 5000\r\n" + token + "\r\n";
    for (const std::size_t piece : {std::size_t{7}, std::size_t{1448}, SIZE_MAX}) {
        CHECK(server.say(attempt + login, piece) ==
              refusal + "CLIENT_ERROR unauthenticated\r\nSTORED\r\n");
        CHECK(server.say(attempt + token + "\r\n" + login, piece) ==
              refusal + "CLIENT_ERROR unauthenticated\r\n");
        CHECK(server.closed);
    }
    CHECK(server.say("set x 0 0 17000\r\n" + std::string(17'000, 't') + "\r\n") == refusal);
    CHECK(server.closed);
}

TEST_CASE("with a login for the text protocol alone the binary protocol is closed") {
    Guarded server;
    server.service.settings_to_change().sasl_required = false;
    server.service.settings_to_change().dialects = Dialects::ascii;
    CHECK(server.say(packet(op_version)) == "");
    CHECK(server.closed);
}

TEST_CASE("with SASL alone the text protocol is closed without a word") {
    Guarded server;
    server.service.settings_to_change().login_required = false;
    server.service.settings_to_change().dialects = Dialects::binary;
    CHECK(server.say("version\r\n") == "");
    CHECK(server.closed);
}

TEST_CASE("before SASL has succeeded, everything but version and SASL itself closes") {
    for (const auto& request :
         {packet(op_get, "k"), packet(op_set, "k", "v", std::string(8, '\0')),
          packet(op_set_quiet, "k", "v", std::string(8, '\0')), packet(op_no_op), packet(op_quit),
          packet(op_stat), packet(op_unknown), packet(op_get)}) {
        Guarded server;
        Client client(server.service);
        CHECK(client.say(request + packet(op_version)) ==
              refusal(static_cast<std::uint8_t>(request[1])));
        CHECK(client.closed);
    }
    Guarded server;
    CHECK(server.say(packet(op_version) + packet(op_list)) ==
          answer(op_version, BinaryStatus::ok, "1.6.45") +
              answer(op_list, BinaryStatus::ok, "PLAIN"));
    CHECK_FALSE(server.closed);
}

TEST_CASE("SASL PLAIN opens the conversation, at every split of the input") {
    for (const auto& message : {right, "app" + right}) {
        const auto talk = packet(op_start, "PLAIN", message) + packet(op_get, "k");
        for (std::size_t piece = 1; piece <= talk.size(); ++piece) {
            Guarded server;
            CHECK(server.say(talk, piece) == welcome + miss);
            CHECK(server.attempts() == 1);
            CHECK(server.errors() == 0);
        }
    }
}

TEST_CASE("a command right after a failed SASL attempt is refused (CVE-2013-7239)") {
    for (const auto& message : {wrong, "\0nobody\0secret"s, "root\0app\0secret"s, "app"s, "\0app"s,
                                "\0\0secret"s, right + "\0x"s}) {
        Guarded server;
        CHECK(server.say(packet(op_start, "PLAIN", message) + packet(op_get, "k")) ==
              refusal(op_start) + refusal(op_get));
        CHECK(server.closed);
        CHECK(server.attempts() == 1);
        CHECK(server.errors() == 1);
    }
}

TEST_CASE("another attempt may follow, and one that fails takes back what was granted") {
    Guarded server;
    CHECK(server.say(packet(op_start, "CRAM-MD5", "") + packet(op_start, "PLAIN", right) +
                     packet(op_get, "k") + packet(op_start, "PLAIN", wrong) +
                     packet(op_get, "k")) ==
          refusal(op_start) + welcome + miss + refusal(op_start) + refusal(op_get));
    CHECK(server.closed);
}

TEST_CASE("a SASL message may come with the next step, but not without a start") {
    Guarded server;
    CHECK(server.say(packet(op_start, "PLAIN", "") + packet(op_step, "PLAIN", right) +
                     packet(op_get, "k")) ==
          answer(op_start, BinaryStatus::authentication_goes_on, "") +
              answer(op_step, BinaryStatus::ok, "Authenticated") + miss);
    CHECK(server.say(packet(op_step, "PLAIN", right) + packet(op_get, "k")) ==
          refusal(op_step) + refusal(op_get));
}

TEST_CASE("a SASL request that contradicts itself or is too long is refused and closed") {
    Guarded server;
    auto inconsistent = packet(op_start, "PLAIN");
    inconsistent[11] = 2;  // a body shorter than its key
    CHECK(server.say(inconsistent) ==
          answer(op_start, BinaryStatus::unknown_command, "Unknown command"));
    CHECK(server.closed);
    auto huge = packet(op_start, "PLAIN");
    lib::store_big(huge.data() + 8, std::uint32_t{0xffffffff});
    CHECK(server.say(huge) == refusal(op_start));
    CHECK(server.closed);
    const auto invalid = answer(op_start, BinaryStatus::invalid, "Invalid arguments");
    CHECK(server.say(packet(op_start, "", right)) == invalid);
    CHECK(server.say(packet(op_start, "PLAIN", right, "four")) == invalid);
    CHECK(server.closed);
}

TEST_CASE("without SASL its requests are unknown, as in memcached") {
    Guarded server;
    server.service.settings_to_change().sasl_required = false;
    const auto unknown = [](std::uint8_t opcode) {
        return answer(opcode, BinaryStatus::unknown_command, "Unknown command");
    };
    CHECK(server.say(packet(op_list) + packet(op_start, "PLAIN", right) + packet(op_get, "k")) ==
          unknown(op_list) + unknown(op_start) + miss);
    CHECK(server.attempts() == 0);
}

}  // namespace twincached::protocol::test
