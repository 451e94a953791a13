#include "app/process/log.hpp"

#include "app/output/line_stream.hpp"
#include "app/output/syslog_socket.hpp"

#include <spdlog/pattern_formatter.h>
#include <spdlog/sinks/base_sink.h>
#include <spdlog/spdlog.h>

#include <fcntl.h>
#include <sys/stat.h>
#include <syslog.h>
#include <unistd.h>

#include <cerrno>
#include <chrono>
#include <cstdlib>
#include <cstring>
#include <mutex>
#include <system_error>
#include <vector>

namespace twincached::app {
namespace {

constexpr std::array rows = {
    lib::OptionRow{
        .section = "log",
        .key = "verbosity",
        .flag = "verbose",
        .letter = 'v',
        .fills = lib::fills<&LogOptions::verbosity>,
        .initial = "0",
        .most = 9,
        .bare = true,
        .reloaded_by = "log",
        .setting = {.place = 6, .name = "verbosity"},
        .help =
            "0: events that matter; 1 and more: also each vain attempt to reach the other node.",
        .flag_help = "Log more: also each vain attempt to reach the other node."},
    lib::OptionRow{
        .section = "log",
        .key = "file",
        .flag = "log-file",
        .fills = lib::fills<&LogOptions::file>,
        .initial = "",
        .path = true,
        .help =
            "Log file, opened anew on SIGHUP. Empty: stderr or the journal, of a daemon syslog."},
    lib::OptionRow{.section = "log",
                   .key = "syslog",
                   .flag = "syslog",
                   .fills = lib::fills<&LogOptions::syslog>,
                   .initial = "no",
                   .bare = true,
                   .help = "Log to syslog as well."},
};

// UTC to the millisecond, so that the lines of two nodes can be laid side by side.
constexpr auto line_pattern = "%Y-%m-%dT%H:%M:%S.%eZ %l %v";

Severity least_severity(std::int64_t verbosity) noexcept {
    if (verbosity <= 0) return Severity::info;
    return verbosity == 1 ? Severity::debug : Severity::trace;
}

spdlog::level::level_enum level_of(Severity severity) noexcept {
    switch (severity) {
        case Severity::trace:
            return spdlog::level::trace;
        case Severity::debug:
            return spdlog::level::debug;
        case Severity::info:
            return spdlog::level::info;
        case Severity::warning:
            return spdlog::level::warn;
        case Severity::error:
            return spdlog::level::err;
    }
    return spdlog::level::info;
}

std::string_view word_of(Severity severity) noexcept {
    return severity == Severity::error     ? "error"
           : severity == Severity::warning ? "warning"
                                           : "info";
}

std::int64_t unix_ms() noexcept {
    using std::chrono::milliseconds;
    const auto now = std::chrono::system_clock::now().time_since_epoch();
    return std::chrono::duration_cast<milliseconds>(now).count();
}

int syslog_level_of(spdlog::level::level_enum level) noexcept {
    return level >= spdlog::level::err    ? LOG_ERR
           : level >= spdlog::level::warn ? LOG_WARNING
           : level >= spdlog::level::info ? LOG_INFO
                                          : LOG_DEBUG;
}

// Lines that find no way are counted, and the first that finds one again stands behind a line that
// says how many.
class CountingSink : public spdlog::sinks::base_sink<std::mutex> {
  public:
    using Message = spdlog::details::log_msg;

  private:
    // False: it is lost, and errno says why.
    virtual bool put(const Message& message) = 0;

    void sink_it_(const Message& message) final {
        if ((lost_ == 0 || tell_of_loss(message)) && put(message)) return;
        reason_ = errno;
        ++lost_;
    }
    void flush_() final {}

    bool tell_of_loss(const Message& next) {
        const auto text =
            fmt::format("{} lines of the log were lost here: {}", lost_,
                        reason_ == EAGAIN ? "nobody took them" : std::strerror(reason_));
        if (!put({next.time, {}, next.logger_name, spdlog::level::warn, text})) return false;
        lost_ = 0;
        return true;
    }

    std::uint64_t lost_ = 0;
    int reason_ = 0;  // of the last that was lost
};

// A stream whose lines have the time and the level in front.
class StreamSink : public CountingSink {
  public:
    explicit StreamSink(int descriptor) noexcept : stream_(descriptor) {}

  protected:
    void go_on_in(int descriptor) {
        const std::lock_guard lock(mutex_);
        stream_.go_on_in(descriptor);
    }

  private:
    bool put(const Message& message) override {
        spdlog::memory_buf_t line;
        formatter_->format(message, line);
        return stream_.write({line.data(), line.size()});
    }

    LineStream stream_;
};

// A file that can be opened anew under its name while others write.
class FileSink final : public StreamSink {
  public:
    explicit FileSink(std::string path) : StreamSink(open_or_throw(path)), path_(std::move(path)) {}

    // Keeps the old file if the new one cannot be opened. Zero, or why not.
    int reopen() {
        const int fresh = open(path_);
        if (fresh < 0) return errno;
        go_on_in(fresh);
        return 0;
    }

    const std::string& path() const noexcept { return path_; }

  private:
    // A pipe would hold whoever opens it until somebody reads, and whoever logs while nobody does:
    // without a reader it is no log file, and with a slow one it loses lines.
    static int open(const std::string& path) noexcept {
        const int flags = O_WRONLY | O_CREAT | O_APPEND | O_CLOEXEC | O_NOCTTY | O_NONBLOCK;
        return ::open(path.c_str(), flags, 0666);
    }
    static int open_or_throw(const std::string& path) {
        const int descriptor = open(path);
        if (descriptor >= 0) return descriptor;
        throw std::system_error(errno, std::generic_category(), "log file " + path);
    }

    const std::string path_;
};

// stderr that systemd reads: a priority in front, no time of our own (sd-daemon(3)).
class JournalSink final : public CountingSink {
    bool put(const Message& message) override {
        return stream_.write(
            fmt::format("<{}>{}\n", syslog_level_of(message.level),
                        fmt::string_view(message.payload.data(), message.payload.size())));
    }

    LineStream stream_{descriptor_beside(STDERR_FILENO)};
};

class SyslogSink final : public CountingSink {
    bool put(const Message& message) override {
        return socket_.write(syslog_level_of(message.level),
                             {message.payload.data(), message.payload.size()});
    }

    SyslogSocket socket_;
};

// JOURNAL_STREAM says which stream systemd connected to the journal; it is inherited by programs
// whose stderr goes elsewhere, and so compared with what stderr is (systemd.exec(5)).
bool stderr_is_journal() noexcept {
    const auto* stream = std::getenv("JOURNAL_STREAM");
    struct stat status {};
    if (stream == nullptr || fstat(STDERR_FILENO, &status) != 0) return false;
    return fmt::format("{}:{}", status.st_dev, status.st_ino) == stream;
}

}  // namespace

struct Log::Sinks {
    std::shared_ptr<FileSink> file;  // shared with the logger, which writes to it
    std::unique_ptr<spdlog::logger> logger;
};

std::span<const lib::OptionRow> log_option_rows() noexcept {
    return rows;
}

// A place for lines is always there: without a file and without stderr it is syslog.
Log::Log(const LogOptions& options)
    : least_(least_severity(options.verbosity)), sinks_(std::make_unique<Sinks>()) {
    std::vector<spdlog::sink_ptr> sinks;
    if (!options.file.empty()) {
        sinks_->file = std::make_shared<FileSink>(options.file);
        sinks.push_back(sinks_->file);
    } else if (stderr_is_journal()) {
        sinks.push_back(std::make_shared<JournalSink>());
    } else if (!options.quiet_stderr) {
        sinks.push_back(std::make_shared<StreamSink>(descriptor_beside(STDERR_FILENO)));
    }
    if (options.syslog || sinks.empty()) {
        sinks.push_back(std::make_shared<SyslogSink>());
    }
    for (const auto& sink : sinks) {
        sink->set_formatter(std::make_unique<spdlog::pattern_formatter>(
            line_pattern, spdlog::pattern_time_type::utc));
    }
    sinks_->logger = std::make_unique<spdlog::logger>("twincached", sinks.begin(), sinks.end());
    sinks_->logger->set_level(spdlog::level::trace);
}

Log::~Log() = default;

// Written line by line: the last one before a crash is the one that is looked for.
void Log::write(Severity severity, std::string_view line) noexcept {
    if (!is_on(severity)) return;
    if (severity >= Severity::info) recent_.add(unix_ms(), word_of(severity), line);
    (void)lib::has_memory_for([&] { sinks_->logger->log(level_of(severity), line); });
}

void Log::set_verbosity(std::int64_t verbosity) noexcept {
    least_.store(least_severity(verbosity), std::memory_order_relaxed);
}

void Log::reopen() noexcept {
    if (!sinks_->file) return;
    const int reason = sinks_->file->reopen();
    if (reason == 0) return info("the log was opened anew on SIGHUP");
    error("the log goes on in the file of before: {} cannot be opened: {}", sinks_->file->path(),
          std::strerror(reason));
}

}  // namespace twincached::app
