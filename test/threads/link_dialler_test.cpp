// The dialler over real sockets of this machine: names stand for whatever addresses the test says.
#include "replication/pair/driver/link_dialler.hpp"

#include <catch2/catch.hpp>

#include <boost/asio/executor_work_guard.hpp>
#include <boost/asio/io_context.hpp>
#include <boost/asio/ip/tcp.hpp>

#include <sys/socket.h>

#include <atomic>
#include <chrono>
#include <future>
#include <memory>
#include <optional>
#include <string>
#include <vector>

using namespace twincached;
using namespace twincached::replication::pair;
using namespace std::chrono_literals;
using boost::asio::ip::tcp;

namespace {

boost::asio::ip::address at(const std::string& text) {
    return boost::asio::ip::make_address(text);
}

lib::Parsed<Addresses> good(const std::vector<std::string>& texts) {
    Addresses addresses;
    for (const auto& text : texts)
        addresses.push_back(at(text));
    return lib::Parsed<Addresses>(boost::system::in_place_value, addresses);
}

// Whoever calls this host is let in.
struct Host {
    Host(boost::asio::io_context& context, const std::string& address, std::uint16_t port = 0)
        : acceptor(context, tcp::endpoint(at(address), port)) {}
    std::uint16_t port() const { return acceptor.local_endpoint().port(); }
    tcp::acceptor acceptor;
};

// A host whose queue is full: the system answers no more calls for it.
struct DeafHost {
    DeafHost(boost::asio::io_context& context, const std::string& address, std::uint16_t port)
        : acceptor(context) {
        const tcp::endpoint there(at(address), port);
        acceptor.open(there.protocol());
        acceptor.bind(there);
        acceptor.listen(0);
        for (int i = 0; i < 4; ++i) {
            waiting.emplace_back(context);
            waiting.back().open(there.protocol());
            waiting.back().native_non_blocking(true);
            (void)::connect(waiting.back().native_handle(), there.data(),
                            static_cast<socklen_t>(there.size()));
        }
    }
    tcp::acceptor acceptor;
    std::vector<tcp::socket> waiting;
};

struct Caller final : LinkDialler::Owner {
    Caller(const std::string& name, std::uint16_t port, NameResolver::Lookup lookup)
        : places{{name, port}, {"", std::uint16_t{1}}}, lookup_(std::move(lookup)) {}

    bool may_dial(const Addresses&) override { return allowed; }
    void on_dialled(tcp::socket socket) override { reached = socket.remote_endpoint().address(); }
    void on_dial_failed(std::string_view why, bool is_refused) override {
        failure = why;
        refused = is_refused;
    }
    // Until it has ended; false: it has not in that time.
    bool dial(std::chrono::milliseconds limit = 5s) {
        if (!dialler) {
            dialler = std::make_unique<LinkDialler>(
                context, LinkDialler::Parts{places, own, lookup_, {}}, *this);
        }
        reached.reset();
        failure.clear();
        dialler->dial();
        const auto end = std::chrono::steady_clock::now() + limit;
        context.restart();
        const auto work = boost::asio::make_work_guard(context);
        while (!reached && failure.empty() && std::chrono::steady_clock::now() < end)
            context.run_one_for(10ms);
        return reached || !failure.empty();
    }

    boost::asio::io_context context{1};
    LinkPlaces places;
    std::optional<boost::asio::ip::address> own;
    NameResolver::Lookup lookup_;
    std::unique_ptr<LinkDialler> dialler;
    bool allowed = true;
    std::optional<boost::asio::ip::address> reached;
    std::string failure;
    bool refused = false;
};

std::uint16_t free_port() {
    boost::asio::io_context context;
    return Host(context, "127.0.0.2").port();
}

}  // namespace

TEST_CASE("of a name's addresses the first that answers is taken, in one call, dead ones or not") {
    const auto port = free_port();
    Caller caller("host-b", port, [](const std::string&) {
        return good({"127.0.0.11", "127.0.0.12", "127.0.0.13", "127.0.0.2"});
    });
    Host peer(caller.context, "127.0.0.2", port);
    // Whichever address a call begins with.
    for (int i = 0; i < 5; ++i) {
        REQUIRE(caller.dial());
        CHECK(caller.reached == at("127.0.0.2"));
    }
}

TEST_CASE("an address that does not answer holds up the next for no more than a moment") {
    const auto port = free_port();
    Caller caller("host-b", port, [](const std::string&) {
        return good({"127.0.0.11", "127.0.0.12", "127.0.0.2"});
    });
    DeafHost one(caller.context, "127.0.0.11", port);
    DeafHost two(caller.context, "127.0.0.12", port);
    Host peer(caller.context, "127.0.0.2", port);
    for (int i = 0; i < 3; ++i) {
        const auto began = std::chrono::steady_clock::now();
        REQUIRE(caller.dial());
        CHECK(caller.reached == at("127.0.0.2"));
        CHECK(std::chrono::steady_clock::now() - began < 2s);
    }
}

TEST_CASE("an own address among those of the peer's name is left out") {
    const auto port = free_port();
    Caller caller("pair", port, [](const std::string&) {
        return good({"127.0.0.3", "127.0.0.2"});
    });
    caller.places.listen = {"127.0.0.3", port};
    caller.own = at("127.0.0.3");
    Host self(caller.context, "127.0.0.3", port);
    Host peer(caller.context, "127.0.0.2", port);
    for (int i = 0; i < 3; ++i) {
        REQUIRE(caller.dial());
        CHECK(caller.reached == at("127.0.0.2"));
    }
    CHECK(caller.dialler->addresses() == Addresses{at("127.0.0.2")});
}

TEST_CASE("a name that stands for this node alone is said to") {
    const auto port = free_port();
    Caller caller("pair", port, [](const std::string&) { return good({"127.0.0.2"}); });
    caller.places.listen = {"", port};  // on all interfaces: whatever is this machine's is its own
    REQUIRE(caller.dial());
    CHECK(caller.failure == "the name of the peer stands for no address but this node's own");
    CHECK_FALSE(caller.refused);
}

TEST_CASE("that nobody runs there is known only if every address says so") {
    const auto port = free_port();
    Caller caller("host-b", port, [](const std::string&) {
        return good({"127.0.0.11", "127.0.0.2"});
    });
    REQUIRE(caller.dial());
    CHECK(caller.refused);
    CHECK(caller.failure.find("the peer cannot be reached: ") == 0);
}

TEST_CASE("a name is asked for again at every call, until it stands for something") {
    const auto port = free_port();
    auto is_known = std::make_shared<std::atomic<bool>>(false);
    Caller caller("host-b", port, [is_known](const std::string&) {
        if (*is_known) return good({"127.0.0.2"});
        return lib::Parsed<Addresses>(boost::system::in_place_error, "no such host");
    });
    Host peer(caller.context, "127.0.0.2", port);
    REQUIRE(caller.dial());
    CHECK(caller.failure == "the name of the peer does not resolve: no such host");
    *is_known = true;
    REQUIRE(caller.dial());
    CHECK(caller.reached == at("127.0.0.2"));
    // What was known stays known: another node may run without a name service.
    *is_known = false;
    REQUIRE(caller.dial());
    REQUIRE(caller.dial());
    CHECK(caller.reached == at("127.0.0.2"));
}

TEST_CASE("while the name service does not answer a call can be given up, and nothing is told") {
    auto answers = std::make_shared<std::promise<void>>();
    const auto answered = answers->get_future().share();
    Caller caller("host-b", free_port(), [answered](const std::string&) {
        answered.wait();
        return good({"127.0.0.2"});
    });
    CHECK_FALSE(caller.dial(50ms));
    caller.dialler->hang_up();
    answers->set_value();
    caller.dialler.reset();
    CHECK_FALSE(caller.reached.has_value());
}

TEST_CASE("nobody is called before the node may") {
    const auto port = free_port();
    Caller caller("127.0.0.2", port, nullptr);
    Host peer(caller.context, "127.0.0.2", port);
    // As a driver finds it that knows the address from the start.
    caller.dialler = std::make_unique<LinkDialler>(
        caller.context, LinkDialler::Parts{caller.places, {}, nullptr, {at("127.0.0.2")}}, caller);
    caller.allowed = false;
    REQUIRE(caller.dial());
    CHECK(caller.failure == "there is no way to the address of the peer");
    caller.allowed = true;
    REQUIRE(caller.dial());
    CHECK(caller.reached == at("127.0.0.2"));
}
