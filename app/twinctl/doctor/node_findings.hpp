// The usual mistakes that nodes themselves tell of. Pure: who asks them is doctor_command.
#pragma once

#include "app/twinctl/doctor/finding.hpp"

#include <cstdint>
#include <span>
#include <string>

namespace twincached::app {

// What a node said in /status, by the figures of docs/OBSERVING.md.
struct NodeFacts {
    std::string name;   // as people name it
    std::string error;  // why it could not be asked; empty: it has answered
    bool is_ready = false;
    std::string summary;  // the line of /readyz
    std::string state;
    std::string role;
    std::string node;  // "a" or "b"; of a cluster "0" to "3"
    std::string peer;
    bool is_of_cluster = false;  // over NATS; the peer is the cluster, then
    std::string broker;          // of a cluster: the NATS server that it is connected to
    std::string listen;          // of the link
    std::string authentication;
    std::string legacy;  // repl_legacy
    bool had_legacy_dump = false;
    std::string last_refusal;
    std::string stream_doubts;  // of a cluster: repl_stream_doubts
    std::string version;
    std::string peer_version;
    bool has_link_tls = false;
    std::int64_t clock_offset_ms = 0;
    std::uint64_t items = 0;
    std::uint64_t max_connections = 0;
    std::uint64_t memory_limit = 0;
    std::uint64_t log_limit = 0;
    std::uint64_t evicted_unsent = 0;
    std::uint64_t scrub_defects = 0;
};

void judge_node(const NodeFacts& node, Findings& findings);
// What two nodes of one pair must agree on. Nothing if one of them has not answered.
void judge_pair(const NodeFacts& one, const NodeFacts& other, Findings& findings);

}  // namespace twincached::app
