#include "app/start_files.hpp"

#include "app/certificate_renewal.hpp"

#include <unistd.h>

#include <stdexcept>
#include <utility>

namespace twincached::app {

StartFiles read_start_files(const Options& options) {
    StartFiles files;
    files.certificates = load_certificates(certificate_settings(options));
    auto secrets = replication::secrets_of(options.get<replication::ReplicationOptions>());
    if (secrets.has_error()) throw std::runtime_error(secrets.error());
    files.secrets = std::move(*secrets);
    auto tokens = read_tokens(options.get<EndpointOptions>().token_file);
    if (tokens.has_error()) throw std::runtime_error(tokens.error());
    files.tokens = std::move(*tokens);
    files.passwords = PasswordFiles::read(options.get<PasswordOptions>());
    return files;
}

std::vector<std::string> files_lost(const Options& options, const StartFiles& files) {
    std::vector<std::string> lost;
    const auto look = [&](const std::string& path) {
        if (!path.empty() && ::access(path.c_str(), R_OK) != 0) lost.push_back(path);
    };
    const auto& [clients, link, admin] = files.certificates;
    for (const auto& context : {clients, link, admin}) {
        if (!context) continue;
        const auto& settings = context->settings();
        for (const auto& path : {settings.chain_file, settings.key_file, settings.ca_file})
            look(path);
    }
    const auto& replication = options.get<replication::ReplicationOptions>();
    look(replication.secret_file);
    look(replication.old_secret_file);
    look(options.get<EndpointOptions>().token_file);
    for (const auto& [path, content] : files.passwords)
        look(path);
    return lost;
}

}  // namespace twincached::app
