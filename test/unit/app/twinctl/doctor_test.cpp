#include "app/twinctl/doctor/haproxy_findings.hpp"
#include "app/twinctl/doctor/machine_findings.hpp"
#include "app/twinctl/doctor/node_findings.hpp"
#include "app/twinctl/doctor_command.hpp"
#include "lib/json.hpp"

#include <catch2/catch.hpp>

#include <algorithm>
#include <functional>
#include <string>
#include <string_view>
#include <vector>

namespace twincached::app {
namespace {

NodeFacts well_node(const std::string& name = "a") {
    NodeFacts node;
    node.name = name;
    node.is_ready = true;
    node.state = "LINKED";
    node.role = name == "a" ? "primary" : "secondary";
    node.node = name;
    node.peer = "10.0.0.2:11212";
    node.listen = "10.0.0.1:11212";
    node.authentication = "secret";
    node.version = "0.1.0";
    node.peer_version = "0.1.0";
    node.max_connections = 1024;
    node.memory_limit = 64 << 20;
    node.log_limit = 48 << 20;
    return node;
}

Findings found_in(const NodeFacts& node) {
    Findings findings;
    judge_node(node, findings);
    return findings;
}

Findings found_in_pair(const NodeFacts& one, const NodeFacts& other) {
    Findings findings;
    judge_pair(one, other, findings);
    return findings;
}

bool says(const Findings& findings, std::string_view part) {
    return std::any_of(findings.begin(), findings.end(), [&](const auto& finding) {
        return finding.what.find(part) != std::string::npos;
    });
}

struct NodeCase {
    std::string_view says;
    std::function<void(NodeFacts&)> ill;
};

// As conf/haproxy.cfg says it.
constexpr std::string_view well_haproxy =
    "defaults\n"
    "    mode tcp\n"
    "    timeout connect 100ms\n"
    "    option redispatch 1\n"
    "    option abortonclose   # a remark\n"
    "    default-server check port 11280 inter 100ms maxconn 1000 observe layer4 error-limit 1 "
    "on-error mark-down on-marked-down shutdown-sessions\n"
    "listen memcached\n"
    "    bind :11211\n"
    "    stick-table type integer size 10k nopurge\n"
    "    server a 10.0.0.1:11211\n"
    "    server b 10.0.0.2:11211 backup\n"
    "frontend page\n"
    "    mode http\n";

std::string haproxy_with(std::string_view part, std::string_view instead) {
    std::string text(well_haproxy);
    const auto at = text.find(part);
    REQUIRE(at != std::string::npos);
    return text.replace(at, part.size(), instead);
}

Findings found_in_haproxy(std::string_view text, std::uint64_t max_connections = 1024) {
    Findings findings;
    judge_haproxy({"haproxy.cfg", text, max_connections}, findings);
    return findings;
}

}  // namespace

TEST_CASE("the doctor tells what a node of a cluster waits for, and what it goes on without") {
    auto node = well_node();
    CHECK_FALSE(says(found_in(node), "reason"));
    node.last_refusal = "the reason";
    // Of a pair's node that is what was once.
    CHECK_FALSE(says(found_in(node), "reason"));
    node.is_of_cluster = true;
    CHECK(says(found_in(node), "not all that others of its cluster say reaches it: the reason"));
    node.is_ready = false;
    node.state = "SYNCING";
    node.summary = "not open to clients yet";
    CHECK(says(found_in(node), "not open to clients yet; it waits: the reason"));
}

TEST_CASE("the doctor's advice for a cluster goes by what is the matter with it") {
    auto node = well_node();
    node.is_of_cluster = true;
    const auto advises = [&](std::string_view refusal, std::string_view part) {
        node.last_refusal = refusal;
        const auto findings = found_in(node);
        REQUIRE(findings.size() == 1);
        CHECK(findings[0].advice.find(part) != std::string::npos);
    };
    advises("stream MC_web: what is said there has another secret, or is of no node",
            "one secret-file");
    advises("stream MC_web_rome: that site is not heard", "the way between the sites");
    advises("stream MC_web: JetStream system temporarily unavailable (503)", "do most of the NATS");
    advises("stream MC_web: the broker does not answer", "do most of the NATS servers run");
    advises("the reason", "mend what that names");
    node.is_ready = false;
    advises("stream MC_web: the broker does not answer", "do most of the NATS servers run");
    advises("the reason", "mend what that names");
    node.is_ready = true;
    node.state = "CONNECTING";
    advises("nats://nats1:4222: another node is node 1 of the cluster web", "another node of");
    node.broker = "nats://nats1:4222";
    advises("maximum bytes exceeded (503)", "discard = old");
    advises("stream MC_web: insufficient storage resources available (500)", "max_file_store");
    advises("JetStream is not there, or elects a leader (503)", "jetstream { }");
    advises("JetStream is not there, or elects a leader, or its domain is not called hub (503)",
            "is domain of [replication]");
    advises("nats://nats1:4222: JetStream does not answer", "make room and restart it");
    advises("the broker does not answer", "do most of the NATS servers run");
    advises("the broker's max_payload is too small: 4096 bytes", "raise max_payload");
    advises("its max_msg_size is too small: 2000 bytes", "max_msg_size must be 8 KiB");
    advises("the reason", "mend what that names");
}

TEST_CASE("the doctor lets nobody start a repcached empty beside the node that has its data") {
    auto node = well_node();
    node.state = "LISTENING";
    const auto advice = [&] {
        const auto findings = found_in(node);
        REQUIRE(findings.size() == 1);
        return findings[0].advice;
    };
    node.legacy = "waiting";
    CHECK(advice().find("is the peer running") == 0);
    node.items = 1000;
    CHECK(advice().find("start it with -x and this node's host") != std::string::npos);
    node.items = 0;
    node.had_legacy_dump = true;
    CHECK(advice().find("without -x it is empty") != std::string::npos);
    node.legacy = "off";
    CHECK(advice().find("set legacy = yes here") != std::string::npos);
}

TEST_CASE("nothing is found in a pair that is well") {
    CHECK(found_in(well_node()).empty());
    CHECK(found_in_pair(well_node("a"), well_node("b")).empty());
}

TEST_CASE("nothing is found in a node that is alone by decision") {
    NodeFacts node;
    node.name = "alone";
    node.is_ready = true;
    node.state = "STANDALONE";
    node.role = "primary";
    CHECK(found_in(node).empty());
}

TEST_CASE("each usual mistake of a node is found, and says what to do") {
    const std::vector<NodeCase> cases{
        {"Connection refused", [](auto& node) { node.error = "Connection refused"; }},
        {"10.0.0.2:11212 is not reached", [](auto& node) { node.state = "LISTENING"; }},
        {"is not reached (CONNECTING); it serves alone",
         [](auto& node) { node.state = "CONNECTING"; }},
        {"it serves no clients",
         [](auto& node) {
             node.state = "HANDSHAKE";
             node.is_ready = false;
         }},
        {"the secrets of the two nodes differ",
         [](auto& node) {
             node.state = "REFUSED";
             node.last_refusal = "the secrets of the two nodes differ";
         }},
        {"its clock is 90 s ahead of the NATS server's; it serves alone",
         [](auto& node) {
             node.is_of_cluster = true;
             node.state = "REFUSED";
             node.last_refusal = "its clock is 90 s ahead of the NATS server's";
         }},
        {"it reaches no NATS server, or is let in by none (Authorization Violation); it serves "
         "alone",
         [](auto& node) {
             node.is_of_cluster = true;
             node.state = "CONNECTING";
             node.last_refusal = "Authorization Violation";
         }},
        {"the NATS server nats://10.0.0.21:4222 takes nothing that it says (the reason); it "
         "serves alone",
         [](auto& node) {
             node.is_of_cluster = true;
             node.state = "CONNECTING";
             node.broker = "nats://10.0.0.21:4222";
             node.last_refusal = "the reason";
         }},
        {"stream MC_web: it keeps a few messages",
         [](auto& node) {
             node.is_of_cluster = true;
             node.stream_doubts = "stream MC_web: it keeps a few messages alone (max_msgs)";
         }},
        {"1001 ms ahead of", [](auto& node) { node.clock_offset_ms = 1001; }},
        {"1001 ms behind", [](auto& node) { node.clock_offset_ms = -1001; }},
        {"neither a secret nor TLS", [](auto& node) { node.authentication = "address"; }},
        {"clients may not come: stopping",
         [](auto& node) {
             node.is_ready = false;
             node.summary = "stopping";
         }},
        {"3 items were evicted", [](auto& node) { node.evicted_unsent = 3; }},
        {"1 items differed at rest", [](auto& node) { node.scrub_defects = 1; }},
        {"it runs 0.1.0, its peer 0.2.0", [](auto& node) { node.peer_version = "0.2.0"; }},
    };
    for (const auto& [text, ill] : cases) {
        auto node = well_node();
        ill(node);
        INFO(text);
        const auto findings = found_in(node);
        REQUIRE(findings.size() == 1);
        CHECK(says(findings, text));
        CHECK(findings[0].where == "a");
        CHECK_FALSE(findings[0].advice.empty());
    }
}

TEST_CASE("a link that leaves the machine needs a secret or TLS, one on loopback does not") {
    auto node = well_node();
    node.authentication = "address";
    node.has_link_tls = true;
    CHECK(found_in(node).empty());
    node.has_link_tls = false;
    node.peer = "127.0.0.2:11212";
    CHECK(says(found_in(node), "neither a secret nor TLS"));
    node.listen = "127.0.0.1:11212";
    CHECK(found_in(node).empty());
}

TEST_CASE("clocks that are a second apart are tolerated, a millisecond more is not") {
    auto node = well_node();
    for (const auto offset : {1000, -1000}) {
        node.clock_offset_ms = offset;
        CHECK(found_in(node).empty());
    }
}

TEST_CASE("two nodes of a pair that are set differently are told apart") {
    const std::vector<NodeCase> cases{
        {"both are node a", [](auto& node) { node.node = "a"; }},
        {"a split", [](auto& node) { node.role = "primary"; }},
        {"it has no peer", [](auto& node) { node.peer.clear(); }},
        {"memory limit (-m), in bytes: 67108864 and 1", [](auto& node) { node.memory_limit = 1; }},
        {"connection limit (-c): 1024 and 10", [](auto& node) { node.max_connections = 10; }},
        {"log-memory, in bytes: 50331648 and 1", [](auto& node) { node.log_limit = 1; }},
    };
    for (const auto& [text, ill] : cases) {
        auto other = well_node("b");
        ill(other);
        INFO(text);
        const auto findings = found_in_pair(well_node("a"), other);
        REQUIRE(findings.size() == 1);
        CHECK(says(findings, text));
        other.error = "Connection refused";
        CHECK(found_in_pair(well_node("a"), other).empty());
    }
}

TEST_CASE("limits are read as the kernel writes them") {
    constexpr std::string_view limits =
        "Limit                     Soft Limit           Hard Limit           Units     \n"
        "Max open files            1024                 524288               files     \n"
        "Max locked memory         unlimited            unlimited            bytes     \n";
    CHECK(limit_in(limits, "Max open files") == 1024);
    CHECK_FALSE(limit_in(limits, "Max locked memory"));
    CHECK_FALSE(limit_in(limits, "Max nothing"));
    CHECK(bytes_in("MemFree: 1 kB\nMemTotal:       16384 kB\n", "MemTotal:") == 16384 * 1024);
    CHECK(bytes_in("", "MemTotal:") == 0);
}

TEST_CASE(
    "a process with too few descriptors, or too little memory to lock, is found at the limit") {
    LocalNodeFacts process;
    process.name = "pid 1";
    process.max_connections = 1000;
    process.reserved_files = 24;
    process.memory_bytes = 100;
    Findings findings;
    process.open_files = 1024;
    process.lockable_bytes = 100;
    process.locked_bytes = 1;
    judge_process(process, findings);
    CHECK(findings.empty());
    process.open_files = 1023;
    judge_process(process, findings);
    CHECK(says(findings, "-c 1000 needs 1024"));
    process.open_files.reset();
    process.lockable_bytes = 99;
    findings.clear();
    judge_process(process, findings);
    CHECK(says(findings, "it locks its memory (-k)"));
    process.locked_bytes = 0;
    findings.clear();
    judge_process(process, findings);
    CHECK(findings.empty());
    process.swapped_bytes = 4096;
    judge_process(process, findings);
    CHECK(says(findings, "4 KiB of it are swapped out"));
}

TEST_CASE("a machine that promises more memory than it has, or swaps, is found") {
    MachineFacts machine;
    machine.memory_bytes = 1000;
    machine.commit_limit_bytes = 1000;
    machine.nodes_bytes = 900;
    machine.overcommit = 2;
    machine.swappiness = 60;
    Findings findings;
    judge_machine(machine, findings);
    CHECK(findings.empty());
    machine.nodes_bytes = 901;
    judge_machine(machine, findings);
    CHECK(findings.size() == 2);
    CHECK(says(findings, "the kernel would kill one"));
    CHECK(says(findings, "vm.overcommit_memory is 2"));
    machine = {};
    machine.swap_bytes = 1;
    machine.swappiness = 10;
    findings.clear();
    judge_machine(machine, findings);
    CHECK(findings.empty());
    machine.swappiness = 11;
    judge_machine(machine, findings);
    CHECK(says(findings, "it has swap"));
}

TEST_CASE("nothing is found in a configuration of HAProxy that keeps to what was measured") {
    CHECK(found_in_haproxy(well_haproxy).empty());
}

TEST_CASE("each setting of HAProxy that costs clients, or brings old values back, is found") {
    struct Case {
        std::string_view part;
        std::string_view instead;
        std::string_view says;
    };
    const std::vector<Case> cases{
        {"option abortonclose", "", "still reaches a node"},
        {"option abortonclose", "no option abortonclose", "still reaches a node"},
        {"option redispatch 1", "", "is not given the other one"},
        {"timeout connect 100ms", "", "without an end"},
        {"timeout connect 100ms", "timeout connect 1001", "waited for for 1001"},
        {"timeout connect 100ms", "timeout connect 2s", "waited for for 2s"},
        {" observe layer4", "", "noticed by its checks alone"},
        {" on-marked-down shutdown-sessions", "", "stay connected"},
        {" maxconn 1000", "", "has no maxconn"},
        {" maxconn 1000", " maxconn 1025", "maxconn 1025 is above the nodes' -c 1024"},
        {" size 10k nopurge", " size 1 nopurge", "size 1 that is full is not written anew"},
        {" check port 11280", "", "is not checked"},
        {" check port 11280", " check", "checked at its client port"},
    };
    for (const auto& [part, instead, text] : cases) {
        INFO(part << " -> " << instead);
        const auto findings = found_in_haproxy(haproxy_with(part, instead));
        REQUIRE(findings.size() == 1);
        CHECK(says(findings, text));
        CHECK(findings[0].where == "haproxy.cfg, listen memcached");
    }
}

TEST_CASE("HAProxy's servers say it for themselves, too, and limits are met") {
    CHECK(found_in_haproxy(haproxy_with(" maxconn 1000", " maxconn 1024")).empty());
    CHECK(found_in_haproxy(haproxy_with("timeout connect 100ms", "timeout connect 1000")).empty());
    CHECK(found_in_haproxy(haproxy_with(" maxconn 1000", " maxconn 9000"), 0).empty());
    CHECK(found_in_haproxy(haproxy_with("size 10k", "size 100")).empty());
    CHECK(found_in_haproxy(haproxy_with("size 10k nopurge", "size 1")).empty());
    const auto own = haproxy_with("10.0.0.1:11211", "10.0.0.1:11211 maxconn 2000");
    CHECK(says(found_in_haproxy(own), "maxconn 2000"));
    CHECK(says(found_in_haproxy("defaults\n mode http\nlisten x\n server a b\n"), "has a server"));
    CHECK(says(found_in_haproxy(""), "has a server"));
}

TEST_CASE("what was found is told with its advice, and what was looked at") {
    const Findings findings{{Finding::Weight::risky, "a", "it is so", "do this"}};
    const std::vector<std::string> seen{"a", "this machine"};
    CHECK(doctor_screen(findings, seen) ==
          "risky: a: it is so\n    do this\nlooked at: a, this machine\n");
    CHECK(doctor_screen({}, seen) == "nothing found; looked at: a, this machine\n");
    const auto page = boost::json::parse(doctor_json(findings, seen)).as_object();
    CHECK(page.at("findings").as_array()[0].as_object().at("weight") == "risky");
    CHECK(page.at("looked_at").as_array().size() == 2);
}

}  // namespace twincached::app
