#include "app/logins/cyrus_sasl.hpp"

#include <unistd.h>

#include <cstdlib>
#include <filesystem>
#include <system_error>

namespace twincached::app {
namespace {

// memcached's first, then those of Debian's library.
constexpr const char* system_folders[] = {"/etc/sasl", "/etc/sasl2", "/usr/lib/sasl2"};

}  // namespace

std::string cyrus_folders() {
    const auto* variable = std::getenv("SASL_CONF_PATH");
    if (variable != nullptr && *variable != '\0') {
        // Where a file is named, as older versions of memcached wanted, its folder is meant.
        std::error_code ignored;
        const std::filesystem::path path(variable);
        const bool is_file = std::filesystem::is_regular_file(path, ignored);
        return is_file ? path.parent_path().string() : path.string();
    }
    std::string all;
    bool is_configured = false;
    for (const std::string folder : system_folders) {
        all += (all.empty() ? "" : ":") + folder;
        is_configured = is_configured || ::access((folder + "/memcached.conf").c_str(), F_OK) == 0;
    }
    return is_configured ? all : std::string();
}

}  // namespace twincached::app
