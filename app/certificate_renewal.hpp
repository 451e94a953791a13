// Certificates that are read again while the server runs, on SIGHUP or a client's command: all are
// read before any is used, and what is in force stays if one of them cannot be. Connections that
// exist keep what they began with. Owned by the server; any thread.
#pragma once

#include "app/process/certificates.hpp"
#include "app/process/log.hpp"
#include "app/process/system_clock.hpp"
#include "app/sessions/client_tls.hpp"
#include "protocol/execution/service.hpp"
#include "replication/replicator.hpp"

namespace twincached::app {

class CertificateRenewal {
  public:
    // All must outlive it.
    struct Parts {
        replication::Replicator& replicator;
        ClientTls* clients;  // null: none
        const SystemClock& clock;
        Log& log;
    };
    // `certificates` are those in force.
    CertificateRenewal(const Parts& parts, Certificates certificates)
        : parts_(parts), certificates_(std::move(certificates)) {}

    // Blocks while files are read. Says in the log what became of it.
    protocol::CertificateRefresh refresh();
    // Says in the log which of those in force expire soon.
    void warn_of_expiry();

  private:
    lib::Parsed<void> read_again();
    void warn_of_expiry(const lib::TlsContext* certificate);

    const Parts parts_;
    const Certificates certificates_;  // as they were at the start
};

}  // namespace twincached::app
