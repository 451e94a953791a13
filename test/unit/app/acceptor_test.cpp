#include "app/listeners/acceptor.hpp"

#include <catch2/catch.hpp>

#include <boost/asio/io_context.hpp>

#include <arpa/inet.h>
#include <sys/socket.h>
#include <unistd.h>

#include <chrono>
#include <functional>
#include <string>
#include <utility>
#include <vector>

namespace twincached::app {

namespace {

constexpr std::string_view too_many = "ERROR Too many open connections\r\n";

ListenerOptions on_loopback(bool reject_fast) {
    ListenerOptions options;
    options.listen = {"127.0.0.1"};
    options.port = -1;
    options.backlog = 16;
    options.reject_fast = reject_fast;
    return options;
}

// An acceptor with a port of its own; whoever it lets in is kept until it is let go.
struct House {
    explicit House(std::uint64_t places, bool reject_fast = true)
        : limit(places), options(on_loopback(reject_fast)) {
        acceptor.open();
    }
    ~House() {
        while (!guests.empty())
            let_go();
        for (const int client : clients)
            ::close(client);
    }

    // A client whose connection the kernel has taken; what becomes of it is the acceptor's.
    int call() {
        const int client = ::socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);
        sockaddr_in to{};
        to.sin_family = AF_INET;
        to.sin_port = htons(acceptor.sockets().front().port());
        to.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
        REQUIRE(::connect(client, reinterpret_cast<const sockaddr*>(&to), sizeof to) == 0);
        clients.push_back(client);
        return client;
    }
    void run_until(const std::function<bool()>& is_so) {
        const auto end = std::chrono::steady_clock::now() + std::chrono::seconds(10);
        while (!is_so()) {
            REQUIRE(std::chrono::steady_clock::now() < end);
            control.run_one_for(std::chrono::milliseconds(100));
            control.restart();
        }
    }
    // All that the server says until it closes.
    static std::string heard_by(int client) {
        std::string heard;
        char bytes[256];
        for (ssize_t size = 0; (size = ::read(client, bytes, sizeof bytes)) > 0;)
            heard.append(bytes, static_cast<std::size_t>(size));
        return heard;
    }
    // As a session does it at its end.
    void let_go() {
        const auto guest = guests.back();
        guests.pop_back();
        ::close(guest.descriptor);
        if (guest.has_place) limit.addresses().give_back(guest.address);
        limit.give_back();
    }

    boost::asio::io_context control;
    ConnectionLimit limit;
    Log log{LogOptions{0, "/dev/null", false, true}};
    ListenerOptions options;
    std::vector<NewClient> guests;
    std::vector<int> clients;
    Acceptor acceptor{{.control = control, .limit = limit, .log = log, .pause_limit = {}},
                      options,
                      bind_listeners(options, false).sockets,
                      [this](const NewClient& client) { guests.push_back(client); }};
};

}  // namespace

TEST_CASE("as many clients come in as there are places, one more gets an error at once") {
    House house(2);
    for (std::size_t count = 1; count <= 2; ++count) {
        house.call();
        house.run_until([&] { return house.guests.size() == count; });
    }
    const int third = house.call();
    house.run_until([&] { return house.limit.rejected() == 1; });
    CHECK(House::heard_by(third) == too_many);
    CHECK(house.limit.current() == 2);
    house.let_go();
    house.call();
    house.run_until([&] { return house.guests.size() == 2; });
    CHECK(house.limit.rejected() == 1);
}

TEST_CASE("a client that is one too many of its address takes no place of others") {
    House house(2);
    house.limit.addresses().set_most(1);
    house.call();
    house.run_until([&] { return house.guests.size() == 1; });
    for (int i = 0; i < 5; ++i) {
        const int another = house.call();
        house.run_until([&] { return house.limit.addresses().rejected() == unsigned(i) + 1; });
        CHECK(House::heard_by(another) == too_many);
        CHECK(house.limit.current() == 1);
    }
    house.let_go();
    CHECK(house.limit.current() == 0);
    house.call();
    house.run_until([&] { return house.guests.size() == 1; });
}

TEST_CASE("where nobody is turned away, one too many waits until a place is given back") {
    House house(1, false);
    house.call();
    house.run_until([&] { return house.guests.size() == 1; });
    house.call();
    house.run_until([&] { return !house.acceptor.is_accepting(); });
    CHECK(house.limit.rejected() == 0);
    house.let_go();
    house.run_until([&] { return house.guests.size() == 1; });
    CHECK(house.acceptor.times_disabled() >= 1);
    CHECK(house.limit.current() == 1);
}

TEST_CASE("ports that are shut refuse, and take clients again when they are opened") {
    House house(10);
    house.acceptor.shut();
    const int client = ::socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);
    sockaddr_in to{};
    to.sin_family = AF_INET;
    to.sin_port = htons(house.acceptor.sockets().front().port());
    to.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
    CHECK(::connect(client, reinterpret_cast<const sockaddr*>(&to), sizeof to) != 0);
    ::close(client);
    house.acceptor.open();
    house.call();
    house.run_until([&] { return house.guests.size() == 1; });
}

}  // namespace twincached::app
