// What the options name and perhaps root alone may read: certificates, the secrets of the link,
// tokens of the admin endpoint and the files of passwords. Read once, before the process becomes
// another user, and handed to whoever needs it. Values; keeps no file open. Control thread.
#pragma once

#include "app/endpoint/entry/admin_access.hpp"
#include "app/logins/password_files.hpp"
#include "app/options/options.hpp"
#include "app/process/certificates.hpp"
#include "replication/replication_options.hpp"

#include <string>
#include <vector>

namespace twincached::app {

struct StartFiles {
    Certificates certificates;
    replication::Secrets secrets;
    TokenDigests tokens;
    PasswordFiles::Contents passwords;
};

// Throws StartError or std::runtime_error with a sentence that names the file and the reason.
StartFiles read_start_files(const Options& options);

// Of the files that were read so, those that this process can read no more.
std::vector<std::string> files_lost(const Options& options, const StartFiles& files);

}  // namespace twincached::app
