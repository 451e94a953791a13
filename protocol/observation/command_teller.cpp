#include "protocol/observation/command_teller.hpp"

namespace twincached::protocol {

using storage::ItemView;
using storage::Miss;
using storage::Now;
using storage::WriteMode;
using storage::WriteOutcome;

namespace {

std::uint64_t ttl_of(storage::Expiry expiry, const Now& now) noexcept {
    return expiry.seconds_left(now.tick()).value_or(0);
}

std::string_view command_of(const storage::Write& request) noexcept {
    switch (request.mode) {
        case WriteMode::set:
            return request.compare_cas ? "cas" : "set";
        case WriteMode::add:
            return "add";
        case WriteMode::replace:
            return "replace";
        case WriteMode::append:
            return "append";
        case WriteMode::prepend:
            return "prepend";
    }
    return "set";
}

}  // namespace

void CommandTeller::tell_found(const ItemView& item) const noexcept {
    const auto size_class = class_of(item.key, item.value.size(), item.client_flags);
    tell_fetch(log_, {item.key, Miss::none, size_class, item.value.size(), connection_});
}

void CommandTeller::tell_written(const Written& written, const Now& now) const noexcept {
    const auto& [key, bytes, request, result] = written;
    const bool stored = result.outcome == WriteOutcome::stored;
    StoreEvent event;
    event.key = key;
    event.outcome = result.outcome;
    event.command = command_of(request);
    event.ttl = ttl_of(stored ? result.expiry : request.expiry, now);
    event.size = stored ? result.size : bytes;
    event.size_class = class_of(key, event.size, request.client_flags);
    event.connection = connection_;
    tell_store(log_, event);
}

void CommandTeller::vivified(std::string_view key, storage::Expiry expiry,
                             std::uint64_t value_bytes, const Now& now) const noexcept {
    if (!log_.wants(WatchTopic::mutations)) return;
    StoreEvent event;
    event.key = key;
    event.command = "add";
    event.ttl = ttl_of(expiry, now);
    event.size = value_bytes;
    event.size_class = class_of(key, value_bytes, 0);
    event.connection = connection_;
    tell_store(log_, event);
}

void CommandTeller::refused(std::string_view key, WriteOutcome outcome) const noexcept {
    if (!log_.wants(WatchTopic::mutations)) return;
    StoreEvent event;
    event.key = key;
    event.outcome = outcome;
    event.command = "set";
    event.connection = connection_;
    tell_store(log_, event);
}

}  // namespace twincached::protocol
