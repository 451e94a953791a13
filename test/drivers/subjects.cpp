#include "test/drivers/subjects.hpp"

#include "test/drivers/mirror.hpp"

#include <catch2/catch.hpp>

#include <arpa/inet.h>
#include <netinet/in.h>
#include <sys/socket.h>
#include <unistd.h>

#include <algorithm>
#include <chrono>
#include <string>

namespace twincached::test {
namespace {

// A port that nobody listens on now.
std::uint16_t free_port(const std::string& host) {
    const int probe = ::socket(AF_INET, SOCK_STREAM, 0);
    REQUIRE(probe >= 0);
    sockaddr_in address{};
    address.sin_family = AF_INET;
    inet_pton(AF_INET, host.c_str(), &address.sin_addr);
    socklen_t size = sizeof address;
    auto* generic = reinterpret_cast<sockaddr*>(&address);
    REQUIRE(::bind(probe, generic, size) == 0);
    REQUIRE(::getsockname(probe, generic, &size) == 0);
    ::close(probe);
    return ntohs(address.sin_port);
}

std::vector<replication::Options> of_none() {
    return std::vector<replication::Options>(1);
}

std::vector<replication::Options> of_pair() {
    replication::Options a;
    replication::Options b;
    a.driver = b.driver = "pair";
    a.listen_host = b.peer_host = "127.0.0.1";
    b.listen_host = a.peer_host = "127.0.0.2";
    a.listen_port = b.peer_port = free_port(a.listen_host);
    b.listen_port = a.peer_port = free_port(b.listen_host);
    a.software_version = b.software_version = "test";
    a.boot_grace = b.boot_grace = std::chrono::milliseconds(300);  // of a node that is alone
    return {a, b};
}

std::vector<replication::Options> of_mirror() {
    static unsigned rooms = 0;
    replication::Options a;
    a.driver = "mirror";
    a.cluster = "room " + std::to_string(++rooms);
    auto b = a;
    a.node = "a";
    b.node = "b";
    return {a, b};
}

}  // namespace

std::vector<Subject> all_drivers() {
    return {{"none", of_none}, {"pair", of_pair}, {"mirror", of_mirror}};
}

std::vector<Subject> drivers_that_replicate() {
    auto subjects = all_drivers();
    std::erase_if(subjects, [](const Subject& subject) { return !subject.replicates(); });
    return subjects;
}

std::span<const replication::ReplicatorFactory> factories() {
    static const auto all = [] {
        const auto shipped = replication::replicator_factories();
        std::vector<replication::ReplicatorFactory> known(shipped.begin(), shipped.end());
        known.push_back(mirror_factory);
        return known;
    }();
    return all;
}

}  // namespace twincached::test
