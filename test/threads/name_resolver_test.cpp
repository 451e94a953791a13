#include "replication/pair/driver/name_resolver.hpp"

#include <catch2/catch.hpp>

#include <atomic>
#include <chrono>
#include <future>
#include <memory>

using namespace twincached;
using namespace twincached::replication::pair;
using namespace std::chrono_literals;

namespace {

Addresses one_address() {
    return {boost::asio::ip::make_address("192.0.2.1")};
}

lib::Parsed<Addresses> good(const Addresses& addresses) {
    return lib::Parsed<Addresses>(boost::system::in_place_value, addresses);
}

// A name service that answers when it is told to.
struct SlowService {
    struct State {
        std::promise<void> answers;
        std::shared_future<void> answered = answers.get_future().share();
        std::promise<void> is_asked;
        std::atomic<int> questions{0};
    };
    std::shared_ptr<State> state = std::make_shared<State>();

    NameResolver::Lookup lookup() const {
        return [state = state](const std::string&) {
            if (state->questions++ == 0) state->is_asked.set_value();
            state->answered.wait();
            return good(one_address());
        };
    }
};

}  // namespace

TEST_CASE("a name is answered with its addresses, or with the reason why it has none") {
    std::promise<lib::Parsed<Addresses>> told;
    const bool is_known = GENERATE(true, false);
    NameResolver resolver(
        "host-b",
        [is_known](const std::string& host) {
            CHECK(host == "host-b");
            if (is_known) return good(one_address());
            return lib::Parsed<Addresses>(boost::system::in_place_error, "unknown");
        },
        [&told](lib::Parsed<Addresses> found) { told.set_value(std::move(found)); });
    resolver.ask();
    const auto found = told.get_future().get();
    REQUIRE(found.has_value() == is_known);
    if (is_known) CHECK(*found == one_address());
    if (!is_known) CHECK(found.error() == "unknown");
}

TEST_CASE("a name service that does not answer holds up neither who asks nor his end") {
    const SlowService service;
    std::atomic<int> told{0};
    {
        NameResolver resolver("host-b", service.lookup(), [&told](auto) { ++told; });
        resolver.ask();
        service.state->is_asked.get_future().wait();
    }
    CHECK(told == 0);
    service.state->answers.set_value();
}

TEST_CASE("whoever asks again before there is an answer has asked once") {
    const SlowService service;
    std::promise<void> told;
    NameResolver resolver("host-b", service.lookup(), [&told](auto) { told.set_value(); });
    resolver.ask();
    service.state->is_asked.get_future().wait();
    resolver.ask();
    resolver.ask();
    service.state->answers.set_value();
    told.get_future().wait();
    CHECK(service.state->questions == 1);
}

TEST_CASE("for what does not resolve in time nothing is known, and nobody waits longer") {
    const SlowService service;
    const auto began = std::chrono::steady_clock::now();
    CHECK(found_within(20ms, "host-b", service.lookup()).empty());
    CHECK(std::chrono::steady_clock::now() - began < 5s);
    service.state->answers.set_value();
    const auto known = [](const std::string&) { return good(one_address()); };
    CHECK(found_within(10s, "host-b", known) == one_address());
}
