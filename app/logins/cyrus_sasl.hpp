// SASL as Debian's memcached has it: Cyrus SASL judges, by the system's configuration for the
// application `memcached`, and so sasldb, saslauthd and, behind that, PAM or LDAP. It blocks, and
// works on threads of its own (LoginThreads). Owned by the server.
#pragma once

#include "app/process/log.hpp"
#include "protocol/login/sasl_judge.hpp"

#include <memory>
#include <string>

namespace twincached::app {

// Folders, with colons between them, in which a configuration for `memcached` is looked for: those
// that the environment's SASL_CONF_PATH names, or the system's if one of them has memcached.conf.
// Empty: nobody has configured Cyrus SASL for us.
std::string cyrus_folders();

// Reads the configuration. Once a process. Throws StartError with a sentence, also where this
// program was built without Cyrus SASL. `log` outlives the judge, who writes a line a second there
// at most.
std::unique_ptr<protocol::SaslJudge> cyrus_sasl(const std::string& folders, Log& log);

}  // namespace twincached::app
