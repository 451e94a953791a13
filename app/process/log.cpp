#include "app/process/log.hpp"

#include "app/process/descriptor.hpp"

#include <spdlog/pattern_formatter.h>
#include <spdlog/sinks/base_sink.h>
#include <spdlog/sinks/stdout_sinks.h>
#include <spdlog/sinks/syslog_sink.h>
#include <spdlog/spdlog.h>

#include <fcntl.h>
#include <sys/stat.h>
#include <syslog.h>

#include <cerrno>
#include <chrono>
#include <cstdio>
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

// A file that can be opened anew under its name while others write.
class FileSink final : public spdlog::sinks::base_sink<std::mutex> {
  public:
    explicit FileSink(std::string path) : path_(std::move(path)), file_(open()) {
        if (file_ == nullptr)
            throw std::system_error(errno, std::generic_category(), "log file " + path_);
    }

    // Keeps the old file if the new one cannot be opened. Zero, or why not.
    int reopen() {
        const std::lock_guard lock(mutex_);
        File fresh = open();
        if (fresh == nullptr) return errno;
        file_ = std::move(fresh);
        return 0;
    }

    const std::string& path() const noexcept { return path_; }

  private:
    struct Close {
        void operator()(std::FILE* file) const noexcept { std::fclose(file); }
    };
    using File = std::unique_ptr<std::FILE, Close>;

    // A pipe would hold whoever opens it until somebody reads, and whoever logs while nobody does:
    // without a reader it is no log file, and with a slow one it loses lines.
    File open() const {
        const int flags = O_WRONLY | O_CREAT | O_APPEND | O_CLOEXEC | O_NOCTTY | O_NONBLOCK;
        Descriptor descriptor(::open(path_.c_str(), flags, 0666));
        if (descriptor.get() < 0) return nullptr;
        File file(::fdopen(descriptor.get(), "a"));
        if (file != nullptr) (void)descriptor.release();
        return file;
    }

    void sink_it_(const spdlog::details::log_msg& message) override {
        spdlog::memory_buf_t line;
        formatter_->format(message, line);
        std::fwrite(line.data(), 1, line.size(), file_.get());
        std::fflush(file_.get());
    }
    void flush_() override { std::fflush(file_.get()); }

    std::string path_;
    File file_;
};

// stderr that systemd reads: a priority in front, no time of our own (sd-daemon(3)).
class JournalSink final : public spdlog::sinks::base_sink<std::mutex> {
  private:
    void sink_it_(const spdlog::details::log_msg& message) override {
        const int priority = message.level >= spdlog::level::err    ? LOG_ERR
                             : message.level >= spdlog::level::warn ? LOG_WARNING
                             : message.level >= spdlog::level::info ? LOG_INFO
                                                                    : LOG_DEBUG;
        std::fprintf(stderr, "<%d>%.*s\n", priority, static_cast<int>(message.payload.size()),
                     message.payload.data());
    }
    void flush_() override { std::fflush(stderr); }
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
        sinks.push_back(std::make_shared<spdlog::sinks::stderr_sink_mt>());
    }
    if (options.syslog || sinks.empty()) {
        sinks.push_back(std::make_shared<spdlog::sinks::syslog_sink_mt>("twincached", LOG_PID,
                                                                        LOG_DAEMON, false));
    }
    for (const auto& sink : sinks) {
        sink->set_formatter(std::make_unique<spdlog::pattern_formatter>(
            line_pattern, spdlog::pattern_time_type::utc));
    }
    sinks_->logger = std::make_unique<spdlog::logger>("twincached", sinks.begin(), sinks.end());
    sinks_->logger->set_level(spdlog::level::trace);
    sinks_->logger->flush_on(spdlog::level::trace);
}

Log::~Log() = default;

// Flushed line by line: the last one before a crash is the one that is looked for.
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
