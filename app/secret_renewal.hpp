// The secrets of the link, read again on SIGHUP while the server runs: also when the options are as
// they were, for the files may not be. What is in force stays if one of them cannot be read, and
// the log never says more than that a secret has changed. A session that stands is not asked again.
// Owned by the server; control thread.
#pragma once

#include "app/options/options.hpp"
#include "app/process/log.hpp"
#include "lib/result.hpp"
#include "replication/replicator.hpp"

#include <string>
#include <utility>
#include <vector>

namespace twincached::app {

// Sentences for the log, which say what has changed and not into what; none: nothing has.
std::vector<std::string> changes_of(const replication::Secrets& before,
                                    const replication::Secrets& after);

class SecretRenewal {
  public:
    // All must outlive it; `secrets` are those in force.
    SecretRenewal(replication::Replicator& replicator, Log& log, replication::Secrets secrets)
        : replicator_(replicator), log_(log), secrets_(std::move(secrets)) {}

    // From the files that these options name. An error is in the log, too.
    lib::Parsed<void> renew(const Options& options);

  private:
    replication::Replicator& replicator_;
    Log& log_;
    replication::Secrets secrets_;
};

}  // namespace twincached::app
