// Logins that somebody else judges, and takes his time: the client waits, and nothing is lost.
#include "protocol/login/sasl_judge.hpp"

#include "lib/endian.hpp"
#include "protocol/binary/binary_answer.hpp"
#include "test/unit/protocol/test_service.hpp"

#include <catch2/catch.hpp>

#include <string>
#include <utility>
#include <vector>

namespace twincached::protocol::test {

namespace {

struct NoWaker final : Waker {
    void wake() noexcept override {}
};

// Judges when the test says so.
struct SlowJudge final : SaslJudge {
    struct Attempt final : SaslTalk {
        explicit Attempt(SlowJudge& asked) : judge(asked) { ++judge.talks; }
        ~Attempt() override { --judge.talks; }
        bool ask(std::string_view mechanism, std::string_view message) override {
            if (judge.is_full) return false;
            judge.asked.push_back(std::string(mechanism) + ":" + std::string(message));
            return true;
        }
        std::optional<SaslVerdict> take_verdict() noexcept override {
            return std::exchange(judge.verdict, std::nullopt);
        }
        SlowJudge& judge;
    };

    std::string_view mechanisms() const noexcept override { return "SCRAM-SHA-256 PLAIN"; }
    std::unique_ptr<SaslTalk> begin(Waker&) override { return std::make_unique<Attempt>(*this); }

    std::vector<std::string> asked;
    std::optional<SaslVerdict> verdict;
    bool is_full = false;
    int talks = 0;
};

enum Opcode : std::uint8_t { op_get = 0x00, op_list = 0x20, op_start = 0x21, op_step = 0x22 };

std::string login_packet(std::uint8_t opcode, std::string_view key = "",
                         std::string_view value = "") {
    std::string bytes(binary_header_size, '\0');
    bytes[0] = static_cast<char>(binary_request_magic);
    bytes[1] = static_cast<char>(opcode);
    lib::store_big(bytes.data() + 2, static_cast<std::uint16_t>(key.size()));
    lib::store_big(bytes.data() + 8, static_cast<std::uint32_t>(key.size() + value.size()));
    return bytes + std::string(key) + std::string(value);
}

std::string answer(std::uint8_t opcode, BinaryStatus status, std::string_view value) {
    auto bytes = login_packet(opcode, "", value);
    bytes[0] = static_cast<char>(binary_answer_magic);
    lib::store_big(bytes.data() + 6, static_cast<std::uint16_t>(status));
    return bytes;
}

const auto miss = answer(op_get, BinaryStatus::not_found, "Not found");
const auto welcome = answer(op_start, BinaryStatus::ok, "Authenticated");
const auto refusal = answer(op_start, BinaryStatus::authentication, "Auth failure.");

struct Judged {
    Judged() {
        service.settings_to_change().sasl_required = true;
        service.shared().sasl_judge = &judge;
    }
    TestService service;
    SlowJudge judge;
    NoWaker waker;
    Client client{service, some_time(), {.waker = &waker}};
};

}  // namespace

TEST_CASE("a client whose login is judged elsewhere waits, with all that it has sent") {
    Judged server;
    CHECK(server.client.say(login_packet(op_start, "PLAIN", "m") + login_packet(op_get, "k"))
              .empty());
    CHECK(server.client.last_steps.back() == Next::await_login);
    CHECK(server.client.hear().empty());  // woken for nothing
    CHECK(server.judge.asked == std::vector<std::string>{"PLAIN:m"});
    server.judge.verdict = SaslVerdict{Admission::granted, {}};
    CHECK(server.client.hear() == welcome + miss);
    CHECK(server.service.total(Count::auth_cmds) == 1);
    CHECK(server.judge.talks == 0);
}

TEST_CASE("a mechanism of several messages has its challenges sent, and ends with a verdict") {
    Judged server;
    server.judge.verdict = SaslVerdict{Admission::go_on, "nonce"};
    CHECK(server.client.say(login_packet(op_start, "SCRAM-SHA-256", "first")) ==
          answer(op_start, BinaryStatus::authentication_goes_on, "nonce"));
    CHECK(server.client.say(login_packet(op_step, "SCRAM-SHA-256", "proof")).empty());
    server.judge.verdict = SaslVerdict{Admission::granted, {}};
    CHECK(server.client.hear() == answer(op_step, BinaryStatus::ok, "Authenticated"));
    CHECK(server.judge.asked ==
          std::vector<std::string>{"SCRAM-SHA-256:first", "SCRAM-SHA-256:proof"});
    CHECK(server.client.say(login_packet(op_get, "k")) == miss);
}

TEST_CASE("a login that another judge refuses counts as any other, and the fifth closes") {
    Judged server;
    for (int attempt = 1; attempt <= 5; ++attempt) {
        CHECK(!server.client.closed);
        server.judge.verdict = SaslVerdict{};
        CHECK(server.client.say(login_packet(op_start, "PLAIN", "m")) == refusal);
    }
    CHECK(server.client.closed);
    CHECK(server.service.total(Count::auth_errors) == 5);
    CHECK(server.service.total(Count::auth_kicks) == 1);
}

TEST_CASE("whoever logs in anew is shut out until that is granted") {
    Judged server;
    server.judge.verdict = SaslVerdict{Admission::granted, {}};
    CHECK(server.client.say(login_packet(op_start, "PLAIN", "m")) == welcome);
    CHECK(server.client.say(login_packet(op_start, "PLAIN", "other")).empty());
    server.judge.verdict = SaslVerdict{};
    CHECK(server.client.hear() == refusal);
    CHECK(server.client.say(login_packet(op_get, "k")) ==
          answer(op_get, BinaryStatus::authentication, "Auth failure."));
    CHECK(server.client.closed);
}

TEST_CASE("a login is refused where too many wait, and a step where nothing was begun") {
    Judged server;
    CHECK(server.client.say(login_packet(op_step, "PLAIN", "m")) ==
          answer(op_step, BinaryStatus::authentication, "Auth failure."));
    CHECK(server.judge.asked.empty());
    server.judge.is_full = true;
    CHECK(server.client.say(login_packet(op_start, "PLAIN", "m")) == refusal);
    server.judge.is_full = false;
    server.judge.verdict = SaslVerdict{Admission::granted, {}};
    CHECK(server.client.say(login_packet(op_start, "PLAIN", "m")) == welcome);
}

TEST_CASE("the judge's mechanisms are listed, and a client that goes takes its attempt along") {
    Judged server;
    CHECK(server.client.say(login_packet(op_list)) ==
          answer(op_list, BinaryStatus::ok, "SCRAM-SHA-256 PLAIN"));
    {
        Client other(server.service, some_time(), {.waker = &server.waker});
        CHECK(other.say(login_packet(op_start, "PLAIN", "m")).empty());
        CHECK(server.judge.talks == 1);
    }
    CHECK(server.judge.talks == 0);
}

}  // namespace twincached::protocol::test
