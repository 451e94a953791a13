// In place of cyrus_sasl.cpp where the library's headers are not installed.
#include "app/logins/cyrus_sasl.hpp"
#include "app/process/privileges.hpp"
#include "lib/option_row.hpp"

namespace twincached::app {

std::unique_ptr<protocol::SaslJudge> cyrus_sasl(const std::string&, Log&) {
    throw StartError{
        "-S: Cyrus SASL is configured for memcached, and this program was built without it: "
        "name a --sasl-file, or build it where libsasl2-dev is installed",
        lib::exit_usage};
}

}  // namespace twincached::app
