#include "protocol/execution/value_intake.hpp"

#include "test/unit/protocol/test_service.hpp"

#include <catch2/catch.hpp>

#include <algorithm>
#include <cstdint>
#include <memory>
#include <string>
#include <vector>

namespace twincached::protocol::test {

namespace {

using Result = ValueIntake::Result;

constexpr std::size_t large_size = 300'000;

struct Stage {
    TestService service;
    Executor executor{service, service.counters, {}};
    lib::ByteBuffer input;
    Output output;
    AnswerWriter answers{output, service.store()};
    ValueIntake intake;
    const storage::Now now = some_time();

    // As a line "head" of the text protocol announces it.
    Result take(std::uint64_t bytes, bool is_set = true) {
        AnnouncedValue value;
        value.announcement = "head";
        value.head_bytes = 6;
        value.trailer_bytes = 2;
        value.key = "k";
        value.bytes = bytes;
        value.is_set = is_set;
        return intake.take(executor, input, now, value);
    }
    bool holds_key() {
        return service.store().peek(service.store().key("k"), now, [](const auto&) {});
    }
};

}  // namespace

TEST_CASE("a small value is waited for until it and what follows it are in the input") {
    Stage stage;
    const std::string request = "head\r\nabc\r\n";
    for (std::size_t here = 0; here < request.size(); ++here) {
        stage.input.clear();
        stage.input.append(std::string_view(request).substr(0, here));
        INFO(here << " bytes are here");
        REQUIRE(stage.take(3) == Result::awaited);
        REQUIRE(stage.intake.needed() == request.size());
        REQUIRE(stage.intake.is_in_value());
    }
    stage.input.clear();
    stage.input.append(request);
    CHECK(stage.take(3) == Result::here);
    CHECK(stage.intake.size_in_input() == request.size());
    stage.intake.forget();
    CHECK(stage.intake.needed() == 1);
    CHECK_FALSE(stage.intake.is_in_value());
}

TEST_CASE("a large value is gathered in the store's memory at every size of piece") {
    const auto piece = GENERATE(std::size_t{999}, std::size_t{65'536}, large_size + 2);
    Stage stage;
    stage.input.append("head\r\n");
    REQUIRE(stage.take(large_size) == Result::begun);
    REQUIRE(stage.input.empty());
    const std::string value(large_size, 'v');
    const auto rest = value + "\r\n";
    std::unique_ptr<LargeValue> whole;
    for (std::size_t at = 0; at < rest.size(); at += piece) {
        REQUIRE(whole == nullptr);
        stage.input.append(std::string_view(rest).substr(at, piece));
        whole = stage.intake.receive(stage.input);
    }
    REQUIRE(whole != nullptr);
    CHECK(whole->announcement == "head");
    const auto bytes = whole->reserved.bytes();
    CHECK(std::string_view(bytes.data(), bytes.size()) == value);
    CHECK(stage.input.readable() == "\r\n");
    CHECK_FALSE(stage.intake.has_large());
}

TEST_CASE("a large value that was read straight into its place needs only what follows it") {
    Stage stage;
    stage.input.append("head\r\n");
    REQUIRE(stage.take(large_size) == Result::begun);
    const auto target = stage.intake.target();
    REQUIRE(target.size() == large_size);
    std::fill(target.begin(), target.end(), 'v');
    stage.intake.received(target.size() - 1);
    CHECK(stage.intake.target().size() == 1);
    stage.intake.received(1);
    CHECK(stage.intake.target().empty());
    CHECK(stage.intake.needed() == 2);
    stage.input.append("\r\n");
    CHECK(stage.intake.receive(stage.input) != nullptr);
}

TEST_CASE("beside many large values that do not arrive, another one waits in the input") {
    TestService service;
    service.counters.memory.set_limit(64 << 20);
    std::vector<std::unique_ptr<Client>> slow;
    for (int i = 0; i < 80; ++i) {
        slow.push_back(std::make_unique<Client>(service));
        slow.back()->say("set slow 0 0 1000000\r\nv");
    }
    Client client(service);
    const std::string value(500'000, 'v');
    const auto set = "set k 0 0 500000\r\n" + value + "\r\n";
    for (const std::size_t piece : {SIZE_MAX, std::size_t{65'536}, std::size_t{4095}})
        CHECK(client.say(set + "mn\r\n", piece) == "STORED\r\nMN\r\n");
    CHECK(client.say("get k\r\n") == "VALUE k 0 500000\r\n" + value + "\r\nEND\r\n");
    const auto rest = std::string(999'999, 'v') + "\r\n";
    for (auto& one : slow)
        CHECK(one->say(rest + "mn\r\n", 50'000) == "STORED\r\nMN\r\n");
    CHECK(service.total(Count::store_no_memory) == 0);
}

TEST_CASE("a value that neither the store nor its client's part of the buffers holds is refused") {
    TestService service;
    service.counters.memory.set_limit(200'000);
    std::vector<std::unique_ptr<Client>> slow;
    for (int i = 0; i < 80; ++i) {
        slow.push_back(std::make_unique<Client>(service));
        slow.back()->say("set slow 0 0 1000000\r\nv");
    }
    CHECK(service.total(Count::store_no_memory) >= 40);
    Client client(service);
    CHECK(client.say("set k 0 0 700000\r\n" + std::string(700'000, 'v') + "\r\nmn\r\n") ==
          "SERVER_ERROR out of memory storing object\r\nMN\r\n");
    CHECK(client.say("set k 0 0 100000\r\n" + std::string(100'000, 'v') + "\r\n") == "STORED\r\n");
}

TEST_CASE("a set in the meta dialect that the store has no room for says which") {
    auto options = TestService::small_store();
    options.memory_limit_bytes = 4 << 20;
    options.item_size_limit_bytes = 1 << 20;
    options.evict = false;
    TestService service(options);
    Client client(service);
    const std::string value((1 << 20) - 100, 'v');
    const auto set = [&](const std::string& key) {
        return client.say("ms " + key + " " + std::to_string(value.size()) + "\r\n" + value +
                          "\r\n");
    };
    CHECK(set(std::string(240, 'k')) == "SERVER_ERROR object too large for cache\r\n");
    std::string answer;
    for (int i = 0; i < 8 && answer != "SERVER_ERROR out of memory storing object\r\n"; ++i)
        answer = set("k" + std::to_string(i));
    CHECK(answer == "SERVER_ERROR out of memory storing object\r\n");
    CHECK(service.total(Count::store_too_large) == 1);
    CHECK(service.total(Count::store_no_memory) == 1);
}

TEST_CASE("a value over the limit is refused, and takes with it what a set's key held") {
    const auto is_set = GENERATE(true, false);
    Stage stage;
    Client(stage.service).say("set k 0 0 1\r\nv\r\n");
    REQUIRE(stage.holds_key());
    stage.input.append("head\r\n");
    CHECK(stage.take(2'000'000, is_set) == Result::too_large);
    CHECK(stage.input.readable() == "head\r\n");
    CHECK(stage.holds_key() == !is_set);
    CHECK(stage.service.total(Count::store_too_large) == 1);
}

TEST_CASE("what is swallowed is skipped to the byte before its answer is given") {
    for (std::size_t piece = 1; piece <= 12; ++piece) {
        Stage stage;
        stage.intake.begin_swallowing(10, Answer::too_large);
        std::string_view bytes = "0123456789get k\r\n";
        auto next = Next::read_more;
        while (next == Next::read_more) {
            CHECK(stage.intake.is_swallowing());
            CHECK(stage.output.empty());
            stage.input.append(bytes.substr(0, piece));
            bytes.remove_prefix(std::min(piece, bytes.size()));
            next = stage.intake.swallow(stage.input, stage.answers);
        }
        CHECK(next == Next::go_on);
        CHECK_FALSE(stage.intake.is_swallowing());
        CHECK(stage.output.size() == text_of(Answer::too_large).size());
        CHECK(std::string_view("get k\r\n").starts_with(stage.input.readable()));
    }
}

}  // namespace twincached::protocol::test
