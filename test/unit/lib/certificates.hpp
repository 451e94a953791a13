// Certificates for tests, made when they are needed by the openssl tool, in a folder that is
// removed in the end. What cannot be made is a std::runtime_error.
#pragma once

#include "lib/tls_context.hpp"

#include <cstdlib>
#include <filesystem>
#include <memory>
#include <stdexcept>
#include <string>

namespace twincached::lib::test {

class Authority {
  public:
    Authority() {
        auto name =
            (std::filesystem::temp_directory_path() / ("tls-" + std::string(6, 'X'))).string();
        if (::mkdtemp(name.data()) == nullptr) throw std::runtime_error("no folder " + name);
        folder_ = name;
        run("openssl req -x509 -nodes -days 2 -subj /CN=authority " + new_key("ca") + " -out " +
            path("ca.pem"));
    }
    ~Authority() { std::filesystem::remove_all(folder_); }
    Authority(const Authority&) = delete;

    std::string path(const std::string& name) const { return (folder_ / name).string(); }
    std::string ca() const { return path("ca.pem"); }

    // <name>.pem and <name>.key, for that DNS name; expired if `days` is negative.
    TlsSettings issue(const std::string& name, int days = 2) const {
        run("openssl req -new -nodes -subj /CN=" + name + " -addext subjectAltName=DNS:" + name +
            ' ' + new_key(name) + " -out " + path("request.csr"));
        run("openssl x509 -req -copy_extensions copy -in " + path("request.csr") + " -CA " + ca() +
            " -CAkey " + path("ca.key") + " -days " + std::to_string(days) + " -out " +
            path(name + ".pem"));
        TlsSettings settings;
        settings.chain_file = path(name + ".pem");
        settings.key_file = path(name + ".key");
        return settings;
    }

  private:
    static void run(const std::string& command) {
        if (std::system((command + " >/dev/null 2>&1").c_str()) != 0) {
            throw std::runtime_error("failed: " + command);
        }
    }
    std::string new_key(const std::string& name) const {
        return "-newkey ec -pkeyopt ec_paramgen_curve:P-256 -keyout " + path(name + ".key");
    }

    std::filesystem::path folder_;
};

// One for all tests of a process.
inline const Authority& authority() {
    static const Authority shared;
    return shared;
}

inline std::shared_ptr<const TlsContext> loaded(const TlsSettings& settings) {
    const auto context = TlsContext::load(settings);
    if (context.has_error()) throw std::runtime_error(context.error());
    return *context;
}

}  // namespace twincached::lib::test
