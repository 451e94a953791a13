#include "protocol/observation/watch_events.hpp"

#include "protocol/digits.hpp"
#include "protocol/uri_key.hpp"

#include <algorithm>
#include <array>

namespace twincached::protocol {

namespace {

using storage::Miss;
using storage::WriteOutcome;

// Composes one line. A key takes up to 750 bytes, an address of a unix socket 108; the rest are
// words and numbers.
class Line {
  public:
    explicit Line(std::string_view type) noexcept : at_(put(put(text_.data(), "type="), type)) {}
    Line(const Line&) = delete;
    Line& operator=(const Line&) = delete;

    Line& key(std::string_view key) noexcept {
        at_ = put_uri_key(put(at_, " key="), key);
        return *this;
    }
    Line& word(std::string_view name, std::string_view word) noexcept {
        at_ = put(put(at_, name), word);
        return *this;
    }
    template <class Number>
    Line& number(std::string_view name, Number number) noexcept {
        at_ = put_number(put(at_, name), number);
        return *this;
    }
    std::string_view ended() noexcept {
        *at_++ = '\n';
        return {text_.data(), static_cast<std::size_t>(at_ - text_.data())};
    }

  private:
    static_assert(uri_key_limit + 4 * (digits_limit + 12) + 80 <= WatchLog::line_limit);
    std::array<char, WatchLog::line_limit> text_;
    char* at_;
};

// memcached's words for the status of a fetch, and of a store: scripts look for them.
std::string_view word_of(Miss miss) noexcept {
    switch (miss) {
        case Miss::none:
            return "found";
        case Miss::absent:
            return "not_found";
        case Miss::expired:
            return "expired";
        case Miss::flushed:
            return "flushed";
    }
    return "not_found";
}

std::string_view word_of(WriteOutcome outcome) noexcept {
    switch (outcome) {
        case WriteOutcome::stored:
            return "stored";
        case WriteOutcome::not_stored:
            return "not_stored";
        case WriteOutcome::exists:
            return "exists";
        case WriteOutcome::not_found:
            return "not_found";
        case WriteOutcome::too_large:
            return "too_large";
        case WriteOutcome::no_memory:
            return "no_memory";
    }
    return "not_stored";
}

constexpr std::size_t address_limit = 128;

void put_end(Line& line, const ConnectionEvent& event) noexcept {
    line.word(" rip=", event.address.substr(0, address_limit))
        .number(" rport=", event.port)
        .word(" transport=", event.transport);
}

}  // namespace

// Names and order are memcached 1.6.45's; the log itself puts time and number before them.
void tell_fetch(WatchLog& log, const FetchEvent& event) noexcept {
    Line line("item_get");
    log.write(WatchTopic::fetchers, line.key(event.key)
                                        .word(" status=", word_of(event.miss))
                                        .number(" clsid=", event.size_class)
                                        .number(" cfd=", event.connection)
                                        .number(" size=", event.size)
                                        .ended());
}

void tell_store(WatchLog& log, const StoreEvent& event) noexcept {
    Line line("item_store");
    log.write(WatchTopic::mutations, line.key(event.key)
                                         .word(" status=", word_of(event.outcome))
                                         .word(" cmd=", event.command)
                                         .number(" ttl=", event.ttl)
                                         .number(" clsid=", event.size_class)
                                         .number(" cfd=", event.connection)
                                         .number(" size=", event.size)
                                         .ended());
}

void tell_delete(WatchLog& log, const DeleteEvent& event) noexcept {
    Line line("deleted");
    log.write(WatchTopic::deletions, line.key(event.key)
                                         .word(" cmd=", event.command)
                                         .number(" clsid=", event.size_class)
                                         .number(" size=", event.size)
                                         .ended());
}

// Under the shard's lock: the line is put together on the stack, and written without waiting for a
// watcher who does not read.
void EvictionTeller::on_evicted(const storage::ItemView& item, unsigned size_class,
                                storage::Tick now) noexcept {
    const auto left = item.expiry.seconds_left(now);
    Line line("eviction");
    log_.write(WatchTopic::evictions, line.key(item.key)
                                          .word(" fetch=", item.fetched ? "yes" : "no")
                                          .number(" ttl=", left ? std::int64_t{*left} : -1)
                                          .number(" la=", now - std::min(now, item.last_access))
                                          .number(" clsid=", size_class)
                                          .number(" size=", item.value.size())
                                          .ended());
}

void tell_connected(WatchLog& log, const ConnectionEvent& event) noexcept {
    Line line("conn_new");
    put_end(line, event);
    log.write(WatchTopic::connevents, line.number(" cfd=", event.connection).ended());
}

void tell_disconnected(WatchLog& log, const ConnectionEvent& event,
                       std::string_view reason) noexcept {
    Line line("conn_close");
    put_end(line, event);
    log.write(WatchTopic::connevents,
              line.word(" reason=", reason).number(" cfd=", event.connection).ended());
}

}  // namespace twincached::protocol
