// How a broker is reached and who this node is to it, as an operator decided. Plain values; files
// are read when a connection begins, so that what is in them may be exchanged while the node runs.
#pragma once

#include <chrono>
#include <string>
#include <string_view>
#include <vector>

namespace twincached::replication::nats {

struct BrokerAccess {
    // "nats://host:port" or "tls://host:port", in the order in which they are tried.
    std::vector<std::string> servers;
    std::string name;  // of this node, in the broker's own reports
    std::string user;  // or the public key of an NKey, with its seed in `credentials`
    std::string password_file;
    std::string token_file;
    std::string credentials;              // a file with JWT and seed, or with a seed alone
    std::string inbox_prefix = "_INBOX";  // of where this node is answered
    bool tls = false;    // with all servers; else with those that begin with tls://
    std::string tls_ca;  // empty: whom the system trusts
    std::string tls_certificate;
    std::string tls_key;
    std::string tls_name;  // empty: the server's host
    // A broker that says nothing for so long is gone.
    std::chrono::milliseconds silence{1000};

    bool operator==(const BrokerAccess&) const = default;
};

// Whether this one of the servers is spoken to by TLS alone. One that insists is, in any case.
inline bool wants_tls(const BrokerAccess& access, std::string_view server) noexcept {
    return access.tls || server.starts_with("tls://");
}

}  // namespace twincached::replication::nats
