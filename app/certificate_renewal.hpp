// Certificates that are read again while the server runs, on SIGHUP, where the options may name
// other files by then, or on a client's command: all are read before any is used, and what is in
// force stays if one of them cannot be. Connections that exist keep what they began with. Owned by
// the server; any thread.
#pragma once

#include "app/endpoint/entry/admin_access.hpp"
#include "app/options/options.hpp"
#include "app/process/certificates.hpp"
#include "app/process/log.hpp"
#include "app/process/system_clock.hpp"
#include "app/sessions/client_tls.hpp"
#include "lib/mutex.hpp"
#include "lib/time/rate_limit.hpp"
#include "protocol/execution/service.hpp"
#include "replication/replicator.hpp"

#include <utility>

namespace twincached::app {

// From what files the options make certificates, and whom they trust.
CertificateSettings certificate_settings(const Options& options);

class CertificateRenewal {
  public:
    // All must outlive it.
    struct Parts {
        replication::Replicator& replicator;
        ClientTls* clients;  // null: none
        AdminAccess& admin;
        const SystemClock& clock;
        Log& log;
    };
    // `settings` are those in force.
    CertificateRenewal(const Parts& parts, CertificateSettings settings)
        : parts_(parts), settings_(std::move(settings)) {}

    // Readings that clients may ask for at once; then one a second: each reads files, writes to the
    // log and holds the client's thread.
    static constexpr std::uint64_t refreshes_at_once = 10;

    // From the same files. Blocks while they are read. Says in the log what became of it. Asked for
    // too often, it reads nothing and says so to the client alone.
    protocol::CertificateRefresh refresh();
    // From these, which are in force from now on if all goes well; else a sentence that the log
    // has, too. REQUIRES: TLS is on where it was on.
    lib::Parsed<void> renew(const CertificateSettings& settings);
    // Says in the log which of these expire soon.
    void warn_of_expiry(const Certificates& certificates);

  private:
    lib::Parsed<void> put_in_force(const CertificateSettings& settings) REQUIRES(mutex_);

    const Parts parts_;
    lib::Mutex mutex_;  // held while files are read: one renewal after the other
    CertificateSettings settings_ GUARDED_BY(mutex_);
    lib::RateLimit refreshes_ GUARDED_BY(mutex_){refreshes_at_once};
};

}  // namespace twincached::app
