#include "test/drivers/subjects.hpp"

#include "replication/nats/driver/nats_options.hpp"
#include "replication/pair/pair_options.hpp"
#include "replication/replication_options.hpp"
#include "test/broker/nats_server.hpp"
#include "test/drivers/mirror.hpp"
#include "test/drivers/tcp_network.hpp"

#include <catch2/catch.hpp>

#include <algorithm>
#include <chrono>
#include <string>

namespace twincached::test {
namespace {

NodeOptions options_of(const std::string& driver) {
    NodeOptions options{replication::default_options(factories()), {}};
    options.all.edit<replication::ReplicationOptions>().driver = driver;
    return options;
}

std::vector<NodeOptions> of_none() {
    return {options_of_none()};
}

std::vector<NodeOptions> of_pair() {
    const std::string hosts[] = {"127.0.0.1", "127.0.0.2"};
    std::string places[2];
    for (unsigned i = 0; i < 2; ++i)
        places[i] = hosts[i] + ":" + std::to_string(free_port(hosts[i]));
    std::vector<NodeOptions> both(2, options_of("pair"));
    for (unsigned i = 0; i < 2; ++i) {
        auto& options = both[i].all.edit<replication::pair::PairOptions>();
        options.link_listen = places[i];
        options.peer = places[1 - i];
        // Of a node that is alone.
        both[i].all.edit<replication::pair::Timing>().boot_grace = std::chrono::milliseconds(300);
    }
    return both;
}

// Each calls a relay that calls the other, so no address says who the peer is.
std::unique_ptr<Network> network_of_pair(std::vector<NodeOptions>& both) {
    auto network = std::make_unique<TcpNetwork>();
    for (unsigned i = 0; i < 2; ++i) {
        auto& options = both[i].all.edit<replication::pair::PairOptions>();
        options.node = i == 0 ? "a" : "b";
        options.peer = network->relay_to(options.peer);
        both[i].secret = "opensesame";
    }
    return network;
}

std::vector<NodeOptions> of_mirror() {
    static unsigned rooms = 0;
    ++rooms;
    std::vector<NodeOptions> both(2, options_of("mirror"));
    for (unsigned i = 0; i < 2; ++i)
        both[i].all.edit<MirrorOptions>() = {"room " + std::to_string(rooms), i};
    return both;
}

std::unique_ptr<Network> network_of_mirror(std::vector<NodeOptions>& both) {
    return mirror_network(both.front().all.get<MirrorOptions>().room);
}

// One for all clusters, each of which has a name of its own.
broker::NatsServer& nats_server() {
    static broker::NatsServer server;
    return server;
}

std::vector<NodeOptions> of_nats() {
    static unsigned clusters = 0;
    ++clusters;
    std::vector<NodeOptions> both(2, options_of("nats"));
    for (unsigned i = 0; i < 2; ++i) {
        both[i].all.edit<replication::nats::NatsOptions>().servers = {nats_server().place()};
        both[i].all.edit<replication::ReplicationOptions>().cluster =
            "cluster-" + std::to_string(clusters);
        both[i].all.edit<replication::pair::PairOptions>().node = std::to_string(i);
        both[i].all.edit<replication::pair::Timing>().boot_grace = std::chrono::milliseconds(300);
    }
    return both;
}

// Each node has its own way to the broker.
std::unique_ptr<Network> network_of_nats(std::vector<NodeOptions>& both) {
    auto network = std::make_unique<TcpNetwork>();
    for (auto& node : both) {
        node.all.edit<replication::nats::NatsOptions>().servers = {
            network->relay_to(nats_server().place())};
    }
    return network;
}

template <class Predicate>
std::vector<Subject> all_but(Predicate is_left_out) {
    auto subjects = all_drivers();
    std::erase_if(subjects, is_left_out);
    return subjects;
}

}  // namespace

NodeOptions options_of_none() {
    return options_of("none");
}

std::vector<Subject> all_drivers() {
    return {{"none", of_none},
            {"pair", of_pair, network_of_pair},
            {"nats", of_nats, network_of_nats, true},
            {"mirror", of_mirror, network_of_mirror}};
}

std::vector<Subject> drivers_that_replicate() {
    return all_but([](const Subject& subject) { return !subject.replicates(); });
}

std::vector<Subject> drivers_over_networks() {
    return all_but([](const Subject& subject) { return subject.network == nullptr; });
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
