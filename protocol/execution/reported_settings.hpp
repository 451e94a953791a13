// Screws that memcached's administrators turn and this store does not have (`slabs automove`, `lru
// tune`, `lru_crawler`...): a request is checked and answered as there, and reports show what was
// asked for. Nothing else depends on it but that a crawler which was switched off refuses to crawl
// and to dump: expiry in the background is the store's business and goes on. Any thread.
#pragma once

#include "lib/figure_row.hpp"
#include "lib/mutex.hpp"

#include <atomic>
#include <cstdint>
#include <map>
#include <optional>
#include <string>
#include <string_view>

namespace twincached::protocol {

class ReportedSettings {
  public:
    // REQUIRES: the keys are words of ours, so that there are but a few. May throw std::bad_alloc.
    void set(std::string_view key, std::string_view value) {
        const lib::MutexLock lock(mutex_);
        values_.insert_or_assign(std::string(key), std::string(value));
    }
    std::optional<std::string> get(std::string_view key) const {
        const lib::MutexLock lock(mutex_);
        const auto found = values_.find(key);
        return found == values_.end() ? std::nullopt : std::optional(found->second);
    }

    // memcached's crawler, whom `lru_crawler crawl` and every dump set to work.
    void note_crawl() noexcept { ++crawls_; }
    std::uint64_t crawls() const noexcept { return crawls_; }
    // Returns what it was.
    bool enable_crawler(bool enabled) noexcept { return crawler_enabled_.exchange(enabled); }
    bool is_crawler_enabled() const noexcept { return crawler_enabled_; }

  private:
    mutable lib::Mutex mutex_;
    std::map<std::string, std::string, std::less<>> values_ GUARDED_BY(mutex_);
    std::atomic<std::uint64_t> crawls_{0};
    std::atomic<bool> crawler_enabled_{true};
};

inline constexpr lib::FigureRow<ReportedSettings> crawler_rows[] = {
    {lib::counter("lru_crawler_starts", "`lru_crawler crawl`, `metadump` and `mgdump` asked for"),
     [](const ReportedSettings& reported) { return lib::figure_text(reported.crawls()); }},
};

}  // namespace twincached::protocol
