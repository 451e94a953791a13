// The files that say who may come in: reads them and puts what they say in force, at start and
// again on SIGHUP. Owned by the server, used by the control thread.
#pragma once

#include "app/process/log.hpp"
#include "lib/option_row.hpp"
#include "lib/result.hpp"
#include "protocol/login/credentials.hpp"

#include <cstddef>
#include <map>
#include <span>
#include <string>
#include <vector>

namespace twincached::app {

struct PasswordOptions {
    std::string auth_file;  // empty: clients of the text protocol need not log in
    std::string sasl_file;  // empty: that of the environment, or else auth_file, or Cyrus SASL

    // Of the surroundings; no row.
    bool sasl_required = false;
};

std::span<const lib::OptionRow> password_option_rows() noexcept;

class PasswordFiles {
  public:
    // Either may be null: then that file is read and checked, and nothing else.
    PasswordFiles(protocol::Credentials* login, protocol::Credentials* sasl)
        : login_(login), sasl_(sasl) {}

    // What the files say, by their paths. Throws StartError with a sentence.
    using Contents = std::map<std::string, std::string>;
    static Contents read(const PasswordOptions& options);
    // Puts in force what read() gave for these options. Throws StartError with a sentence.
    void load(const PasswordOptions& options, const Contents& contents);
    // SASL is asked for, no file of ours is named, and Cyrus SASL is configured. Throws StartError.
    bool leave_sasl_to_the_system(const PasswordOptions& options) const;
    // A file that cannot be used is logged, and what was in force stays so.
    void reload(const PasswordOptions& options, Log& log) noexcept;

  private:
    // One file: where it is, how its lines end, and for whom it is.
    struct Source {
        std::string path;
        protocol::PasswordFormat format;
        protocol::Credentials* credentials;
        bool is_for_sasl = false;
    };
    std::vector<Source> sources(const PasswordOptions& options) const;
    static lib::Parsed<std::size_t> put_in_force(const Source& source, const std::string& content);

    protocol::Credentials* login_;
    protocol::Credentials* sasl_;
};

}  // namespace twincached::app
