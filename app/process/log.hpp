// The server's log: one line per event, UTC with milliseconds, to stderr, the journal, a file or
// syslog. Never a value, never a secret. Any thread may write, and waits for nobody who reads: what
// is not taken is lost, counted, and told of when somebody reads again.
#pragma once

#include "app/process/recent_lines.hpp"
#include "lib/allocation.hpp"
#include "lib/option_row.hpp"

#include <fmt/format.h>

#include <atomic>
#include <cstdint>
#include <memory>
#include <span>
#include <string>
#include <string_view>
#include <utility>

namespace twincached::app {

enum class Severity : std::uint8_t { trace, debug, info, warning, error };

struct LogOptions {
    std::int32_t verbosity{};  // 0: info and above; 1: debug; 2 and more: trace
    std::string file;          // empty: stderr
    bool syslog{};             // as well

    // Of the surroundings; no row.
    bool quiet_stderr = false;  // in the background, or closed: nobody reads stderr
};

std::span<const lib::OptionRow> log_option_rows() noexcept;

class Log {
  public:
    // Throws std::system_error if the file cannot be opened.
    explicit Log(const LogOptions& options);
    ~Log();
    Log(const Log&) = delete;
    Log& operator=(const Log&) = delete;

    void write(Severity severity, std::string_view line) noexcept;
    bool is_on(Severity severity) const noexcept {
        return severity >= least_.load(std::memory_order_relaxed);
    }

    template <class... Arguments>
    void info(fmt::format_string<Arguments...> format, Arguments&&... arguments) noexcept {
        print(Severity::info, format, std::forward<Arguments>(arguments)...);
    }
    template <class... Arguments>
    void warning(fmt::format_string<Arguments...> format, Arguments&&... arguments) noexcept {
        print(Severity::warning, format, std::forward<Arguments>(arguments)...);
    }
    template <class... Arguments>
    void error(fmt::format_string<Arguments...> format, Arguments&&... arguments) noexcept {
        print(Severity::error, format, std::forward<Arguments>(arguments)...);
    }
    template <class... Arguments>
    void debug(fmt::format_string<Arguments...> format, Arguments&&... arguments) noexcept {
        print(Severity::debug, format, std::forward<Arguments>(arguments)...);
    }

    void set_verbosity(std::int64_t verbosity) noexcept;
    // What was logged of late, from info on, whatever the verbosity.
    const RecentLines& recent() const noexcept { return recent_; }
    // After the file was moved away: goes on in a new one, and says so there; or says why not.
    // Without a file it does nothing.
    void reopen() noexcept;

  private:
    struct Sinks;

    template <class... Arguments>
    void print(Severity severity, fmt::format_string<Arguments...> format,
               Arguments&&... arguments) noexcept {
        if (!is_on(severity)) return;
        // A line that finds no memory is lost, and nothing else.
        (void)lib::has_memory_for(
            [&] { write(severity, fmt::format(format, std::forward<Arguments>(arguments)...)); });
    }

    std::atomic<Severity> least_;
    std::unique_ptr<Sinks> sinks_;
    RecentLines recent_;
};

}  // namespace twincached::app
