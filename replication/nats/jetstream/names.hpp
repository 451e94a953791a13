// The subjects and streams of one cluster, as all its nodes name them. Pure; constant after the
// start.
//
//     stream    MC_<cluster>[_<site>]               what happened at one site, in one order
//     mirror    MC_<cluster>_<site>_AT_<own site>   a copy of another site's stream, kept here
//     subjects  mc.<cluster>[.<site>].<node>        what a node publishes into its site's stream
//               mcask.<cluster>.<subject>           what is asked of any one node
//               mctell.<cluster>.<subject>          what is told to all and kept nowhere
#pragma once

#include <string>
#include <string_view>
#include <vector>

namespace twincached::replication::nats {

// A site that is not this node's, and the JetStream domain that its broker is in.
struct OtherSite {
    std::string name;
    std::string domain;
};

struct Names {
    std::string cluster;
    std::string site;    // empty: there is one site alone
    std::string stream;  // of this site; see stream_of
    std::string domain;  // of the broker that is spoken to; empty: its only one
    unsigned node = 0;
    std::vector<OtherSite> others{};
};

// Of a cluster, a site, a stream: what may stand between the dots of a subject.
bool is_name(std::string_view text) noexcept;

// The name that a site's stream has unless an operator gave it another.
std::string stream_of(std::string_view cluster, std::string_view site);
std::string mirror_of(const Names& names, const OtherSite& site);

// What a site's stream listens to.
std::string subjects_of_stream(const Names& names);
std::string subject_of_node(const Names& names);
std::string asking_subject(const Names& names, std::string_view subject);
std::string telling_subject(const Names& names, std::string_view subject);

// What stands behind the prefix of telling or asking; empty if it is another's.
std::string_view asked_subject(const Names& names, std::string_view full) noexcept;
std::string_view told_subject(const Names& names, std::string_view full) noexcept;

// Where JetStream is asked for something: "$JS.API.STREAM.INFO.MC_x".
std::string api_subject(std::string_view domain, std::string_view what, std::string_view stream);

}  // namespace twincached::replication::nats
