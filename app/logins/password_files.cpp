#include "app/logins/password_files.hpp"

#include "app/logins/cyrus_sasl.hpp"
#include "app/process/privileges.hpp"
#include "lib/input/text_file.hpp"

#include <fmt/format.h>

#include <algorithm>
#include <array>
#include <cstdlib>
#include <memory>
#include <utility>

namespace twincached::app {
namespace {

constexpr std::array password_rows = {
    lib::OptionRow{
        .section = "access",
        .key = "auth-file",
        .flag = "auth-file",
        .letter = 'Y',
        .fills = lib::fills<&PasswordOptions::auth_file>,
        .initial = "",
        .path = true,
        .setting = {.place = 23, .name = "auth_enabled_ascii", .if_empty = "no"},
        .help = "Clients of the text protocol must log in: `set` of any key to \"user password\" "
                "is\ntheir first command. A file of lines user:password, read again on SIGHUP."},
    lib::OptionRow{.section = "access",
                   .key = "sasl-file",
                   .flag = "sasl-file",
                   .fills = lib::fills<&PasswordOptions::sasl_file>,
                   .initial = "",
                   .path = true,
                   .help = "Passwords for SASL, as in auth-file. Empty: the file that the "
                           "environment variable\nMEMCACHED_SASL_PWDB names, or else auth-file, or "
                           "else Cyrus SASL is asked, if it\nis configured for memcached."},
};

// memcached's variable, for a file in its format.
constexpr auto sasl_variable = "MEMCACHED_SASL_PWDB";

// memcached's sentence: scripts look for it.
lib::Parsed<std::string> content_of(const std::string& path) {
    auto content = lib::read_text_file(path);
    if (!content.has_error()) return content;
    return lib::Parsed<std::string>(
        boost::system::in_place_error,
        fmt::format("Could not open authfile [{}] for reading, error {}", path, content.error()));
}

}  // namespace

std::span<const lib::OptionRow> password_option_rows() noexcept {
    return password_rows;
}

// Who is asked for SASL, the first that there is: sasl-file, the file of the variable, auth-file,
// Cyrus SASL. Throws StartError if it is to be asked and there is none.
std::vector<PasswordFiles::Source> PasswordFiles::sources(const PasswordOptions& options) const {
    using protocol::PasswordFormat;
    std::vector<Source> sources;
    if (!options.auth_file.empty()) {
        sources.push_back({options.auth_file, PasswordFormat::whole_line, login_});
    }
    if (!options.sasl_required) return sources;
    const auto* variable = std::getenv(sasl_variable);
    if (!options.sasl_file.empty()) {
        sources.push_back({options.sasl_file, PasswordFormat::whole_line, sasl_, true});
    } else if (variable != nullptr && *variable != '\0') {
        sources.push_back({variable, PasswordFormat::until_colon, sasl_, true});
    } else if (!options.auth_file.empty()) {
        sources.push_back({options.auth_file, PasswordFormat::whole_line, sasl_, true});
    } else if (cyrus_folders().empty()) {
        throw StartError{fmt::format("-S needs passwords: --sasl-file, -Y, the file that the "
                                     "environment variable {} names, or memcached.conf of Cyrus "
                                     "SASL in /etc/sasl2 or where SASL_CONF_PATH says",
                                     sasl_variable),
                         lib::exit_usage};
    }
    return sources;
}

bool PasswordFiles::leave_sasl_to_the_system(const PasswordOptions& options) const {
    if (!options.sasl_required) return false;
    const auto all = sources(options);
    const auto is_for_sasl = [](const Source& source) { return source.is_for_sasl; };
    return std::none_of(all.begin(), all.end(), is_for_sasl);
}

lib::Parsed<std::size_t> PasswordFiles::put_in_force(const Source& source,
                                                     const std::string& content) {
    auto table = protocol::PasswordTable::parse(content, source.format);
    if (table.has_error()) return fmt::format("Authfile [{}] {}", source.path, table.error());
    const auto size = table->size();
    if (source.credentials != nullptr) source.credentials->replace(std::move(*table));
    return size;
}

PasswordFiles::Contents PasswordFiles::read(const PasswordOptions& options) {
    Contents contents;
    for (const auto& source : PasswordFiles(nullptr, nullptr).sources(options)) {
        auto content = content_of(source.path);
        if (content.has_error()) throw StartError{content.error(), 1};
        contents.insert_or_assign(source.path, std::move(*content));
    }
    return contents;
}

void PasswordFiles::load(const PasswordOptions& options, const Contents& contents) {
    for (const auto& source : sources(options)) {
        const auto loaded = put_in_force(source, contents.at(source.path));
        if (loaded.has_error()) throw StartError{loaded.error(), 1};
    }
}

// A file that cannot be read or has a mistake leaves its passwords in force: nobody is locked out
// by a slip, nor let in.
void PasswordFiles::reload(const PasswordOptions& options, Log& log) noexcept {
    try {
        for (const auto& source : sources(options)) {
            const auto content = content_of(source.path);
            const auto loaded =
                content.has_error() ? content.error() : put_in_force(source, *content);
            if (loaded.has_error()) {
                log.error("{}: the passwords stay as they were", loaded.error());
            } else {
                log.info("the passwords of {} users were read from {}", *loaded, source.path);
            }
        }
    } catch (const StartError& error) {
        log.error("{}: the passwords stay as they were", error.message);
    } catch (const std::exception& error) {
        log.error("the passwords stay as they were: {}", error.what());
    }
}

}  // namespace twincached::app
