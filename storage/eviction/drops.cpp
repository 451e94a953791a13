#include "storage/eviction/drops.hpp"

namespace twincached::storage {

void Drops::drop(Item& item, std::uint64_t hash, Cause cause, Tick now) noexcept {
    books_.count_drop(item, cause, now);
    if (cause == Cause::evicted) tell_listener(item, now);
    if (!item.is_stub()) {  // of which nobody has heard
        const Version version = item.version();
        told_.sink.on_change(told_.shard, {{item.key(), hash}, version, 0, version, cause});
    }
    table_.remove(&item, hash);
}

void Drops::tell_listener(const Item& item, Tick now) const noexcept {
    if (told_.listener == nullptr) return;
    auto* const listener = told_.listener->load(std::memory_order_relaxed);
    if (listener == nullptr || !listener->listens()) return;
    ItemView view;
    view.key = item.key();
    view.value = {table_.arena().value_of(item), item.value_bytes()};
    view.client_flags = item.client_flags();
    view.expiry = item.expiry();
    view.last_access = item.last_access();
    view.fetched = item.is_fetched();
    listener->on_evicted(view, books_.class_of(item), now);
}

}  // namespace twincached::storage
