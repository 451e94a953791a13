#include "protocol/observation/watch_log.hpp"

#include "protocol/digits.hpp"
#include "protocol/words.hpp"

#include <algorithm>
#include <new>
#include <utility>

namespace twincached::protocol {

namespace {

constexpr std::pair<std::string_view, WatchTopic> topic_words[] = {
    {"fetchers", WatchTopic::fetchers},       {"mutations", WatchTopic::mutations},
    {"evictions", WatchTopic::evictions},     {"connevents", WatchTopic::connevents},
    {"deletions", WatchTopic::deletions},     {"sysevents", WatchTopic::sysevents},
    {"rawcmds", WatchTopic::rawcmds},         {"proxyreqs", WatchTopic::proxyreqs},
    {"proxyevents", WatchTopic::proxyevents}, {"proxyuser", WatchTopic::proxyuser},
};

constexpr std::size_t head_limit = 3 * digits_limit + 16;

// "ts=1795358671.680716 gid=5 "
std::size_t put_head(char* const begin, std::int64_t unix_us, std::uint64_t number) noexcept {
    constexpr std::int64_t second_us = 1'000'000;
    char* at = put_number(put(begin, "ts="), unix_us / second_us);
    *at++ = '.';
    for (auto unit = second_us / 10; unit > 0; unit /= 10)
        *at++ = static_cast<char>('0' + unix_us / unit % 10);
    at = put_number(put(at, " gid="), number);
    *at++ = ' ';
    return static_cast<std::size_t>(at - begin);
}

}  // namespace

std::optional<WatchTopics> WatchTopics::parse(std::string_view words) noexcept {
    WatchTopics topics;
    Words rest(words);
    for (auto word = rest.next(); !word.empty(); word = rest.next()) {
        const auto* const found =
            std::find_if(std::begin(topic_words), std::end(topic_words),
                         [&](const auto& entry) { return entry.first == word; });
        if (found == std::end(topic_words)) return std::nullopt;
        topics.add(found->second);
    }
    if (topics.mask() == 0) topics.add(WatchTopic::fetchers);
    return topics;
}

void WatchLog::write(WatchTopic topic, std::string_view line) noexcept {
    const auto now = clock_();
    std::array<char, head_limit> head;
    const lib::MutexLock lock(mutex_);
    const auto head_size = put_head(head.data(), now, ++last_number_);
    ++counts_.written;
    for (auto* const watcher : watchers_) {
        if (!watcher->topics_.contains(topic)) continue;
        auto& lines = watcher->lines_;
        // The buffer has its whole size from the start, so that nothing here can fail.
        if (lines.size() + head_size + line.size() > buffer_bytes_) {
            ++watcher->skipped_;
            ++counts_.skipped;
        } else {
            lines.append({head.data(), head_size});
            lines.append(line);
            ++counts_.sent;
        }
        if (!std::exchange(watcher->is_woken_, true)) watcher->waker_.wake();
    }
}

std::unique_ptr<Watcher> WatchLog::watch(WatchTopics topics, Waker& waker) noexcept {
    const lib::MutexLock lock(mutex_);
    if (watchers_.size() >= watcher_limit) return nullptr;
    try {
        watchers_.reserve(watcher_limit);
        auto* const watcher = new (std::nothrow) Watcher(*this, topics, waker);
        if (watcher == nullptr) return nullptr;
        watcher->lines_.prepare(buffer_bytes_);
        watchers_.push_back(watcher);
        note_wanted();
        return std::unique_ptr<Watcher>(watcher);
    } catch (const std::bad_alloc&) {
        return nullptr;
    }
}

void WatchLog::remove(Watcher& watcher) noexcept {
    const lib::MutexLock lock(mutex_);
    std::erase(watchers_, &watcher);
    note_wanted();
}

// So that clients, while nobody watches, look at one number and compose no line.
void WatchLog::note_wanted() noexcept {
    std::uint32_t mask = 0;
    for (const auto* const watcher : watchers_)
        mask |= watcher->topics_.mask();
    wanted_.store(mask, std::memory_order_relaxed);
}

WatchLog::Counts WatchLog::counts() const noexcept {
    const lib::MutexLock lock(mutex_);
    auto counts = counts_;
    counts.watchers = watchers_.size();
    return counts;
}

void WatchLog::reset_counts() noexcept {
    const lib::MutexLock lock(mutex_);
    counts_ = {};
}

void Watcher::take(lib::ByteBuffer& into) noexcept {
    const lib::MutexLock lock(log_.mutex_);
    is_woken_ = false;
    const auto had = into.size();
    try {
        into.append(lines_.readable());
        lines_.clear();
        if (skipped_ == 0) return;
        std::array<char, digits_limit + 16> line;
        char* const end = put(put_number(put(line.data(), "skipped="), skipped_), "\n");
        into.append({line.data(), static_cast<std::size_t>(end - line.data())});
        skipped_ = 0;
    } catch (const std::bad_alloc&) {
        into.truncate(had);  // they stay, and are told another time
    }
}

}  // namespace twincached::protocol
