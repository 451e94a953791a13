// Who watches the server at work (`watch`), and what they are told: lines of log, by topic. One
// for all conversations; any thread may write, also under a shard's lock: its own lock is taken
// last and held for the length of a copy. While nobody watches, a writer pays one relaxed load.
//
// Each watcher has a buffer of bounded size. A line that has no room there is skipped and counted,
// so a watcher that does not read costs the others nothing.
#pragma once

#include "lib/byte_buffer.hpp"
#include "lib/figure_row.hpp"
#include "lib/mutex.hpp"
#include "protocol/waker.hpp"

#include <array>
#include <atomic>
#include <cstddef>
#include <cstdint>
#include <memory>
#include <optional>
#include <string_view>
#include <vector>

namespace twincached::protocol {

// The last five are words of memcached that nothing here has a line for: proxies and raw commands.
enum class WatchTopic : std::uint8_t {
    fetchers,
    mutations,
    evictions,
    connevents,
    deletions,
    sysevents,
    rawcmds,
    proxyreqs,
    proxyevents,
    proxyuser,
};

class WatchTopics {
  public:
    // Words as behind `watch`; none means fetchers. Nothing if one is unknown.
    static std::optional<WatchTopics> parse(std::string_view words) noexcept;

    void add(WatchTopic topic) noexcept { mask_ |= 1U << static_cast<unsigned>(topic); }
    bool contains(WatchTopic topic) const noexcept {
        return (mask_ >> static_cast<unsigned>(topic) & 1U) != 0;
    }
    std::uint32_t mask() const noexcept { return mask_; }

  private:
    std::uint32_t mask_ = 0;
};

class Watcher;

class WatchLog {
  public:
    static constexpr std::size_t watcher_limit = 20;
    static constexpr std::size_t default_buffer_bytes = 256 * 1024;
    // What stands behind the time and the number of a line, its end included.
    static constexpr std::size_t line_limit = 1200;

    using Clock = std::int64_t (*)() noexcept;  // microseconds of Unix time

    // Before the first conversation.
    void set_clock(Clock clock) noexcept { clock_ = clock; }
    void set_buffer_bytes(std::size_t bytes) noexcept { buffer_bytes_ = bytes; }

    bool wants(WatchTopic topic) const noexcept {
        return (wanted_.load(std::memory_order_relaxed) >> static_cast<unsigned>(topic) & 1U) != 0;
    }
    // `line` ends with a newline; time and number are put in front of it.
    void write(WatchTopic topic, std::string_view line) noexcept;

    // Null if there are too many already, or no memory. `waker` must outlive the watcher, and the
    // watcher must not outlive the log.
    std::unique_ptr<Watcher> watch(WatchTopics topics, Waker& waker) noexcept;

    struct Counts {
        std::uint64_t written = 0;  // lines that somebody wanted
        std::uint64_t sent = 0;     // to watchers, each counted
        std::uint64_t skipped = 0;  // had no room in a watcher's buffer
        std::uint64_t watchers = 0;
    };
    Counts counts() const noexcept;
    void reset_counts() noexcept;

  private:
    friend class Watcher;

    void remove(Watcher& watcher) noexcept;
    void note_wanted() noexcept REQUIRES(mutex_);

    static std::int64_t no_clock() noexcept { return 0; }

    Clock clock_ = no_clock;
    std::size_t buffer_bytes_ = default_buffer_bytes;
    std::atomic<std::uint32_t> wanted_{0};  // by anybody
    mutable lib::Mutex mutex_;
    std::vector<Watcher*> watchers_ GUARDED_BY(mutex_);
    Counts counts_ GUARDED_BY(mutex_);
    std::uint64_t last_number_ GUARDED_BY(mutex_) = 0;
};

inline constexpr lib::FigureRow<WatchLog::Counts> watch_rows[] = {
    {lib::counter("log_worker_written", "lines that somebody who watches wanted"),
     lib::member<&WatchLog::Counts::written>},
    {lib::counter("log_watcher_skipped", "lines for which a watcher's buffer had no room"),
     lib::member<&WatchLog::Counts::skipped>},
    {lib::counter("log_watcher_sent", "lines sent to watchers, each counted"),
     lib::member<&WatchLog::Counts::sent>},
    {lib::gauge("log_watchers", "clients that watch"), lib::member<&WatchLog::Counts::watchers>},
};

// One who watches. Owned by a conversation; ends with it.
class Watcher {
  public:
    ~Watcher() { log_.remove(*this); }
    Watcher(const Watcher&) = delete;
    Watcher& operator=(const Watcher&) = delete;

    // Appends what has come since the last call.
    void take(lib::ByteBuffer& into) noexcept;

  private:
    friend class WatchLog;

    Watcher(WatchLog& log, WatchTopics topics, Waker& waker) noexcept
        : log_(log), topics_(topics), waker_(waker) {}

    WatchLog& log_;
    const WatchTopics topics_;
    Waker& waker_;
    // All below is the log's, under its lock.
    lib::ByteBuffer lines_;
    std::uint64_t skipped_ = 0;  // since `take`
    bool is_woken_ = false;
};

}  // namespace twincached::protocol
