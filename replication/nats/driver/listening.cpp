#include "replication/nats/driver/listening.hpp"

#include <unordered_map>
#include <utility>

namespace twincached::replication::nats {
namespace {

struct Listeners {
    lib::Mutex mutex;
    std::unordered_map<std::uintptr_t, Listener> by_number GUARDED_BY(mutex);
    std::uintptr_t last GUARDED_BY(mutex) = 0;
};

// Never taken down: libnats' threads go on until the process has ended.
Listeners& listeners() {
    static auto& all = *std::make_unique<Listeners>().release();
    return all;
}

}  // namespace

void Denial::note(std::string text) {
    const lib::MutexLock lock(mutex_);
    text_ = std::move(text);
}

std::string Denial::text() const {
    const lib::MutexLock lock(mutex_);
    return text_;
}

Listening::Listening(Listener listener) {
    auto& all = listeners();
    const lib::MutexLock lock(all.mutex);
    number_ = ++all.last;
    all.by_number.emplace(number_, std::move(listener));
}

Listening::~Listening() {
    auto& all = listeners();
    const lib::MutexLock lock(all.mutex);
    all.by_number.erase(number_);
}

Listening::Listening(Listening&& other) noexcept : number_(std::exchange(other.number_, 0)) {}

Listening& Listening::operator=(Listening&& other) noexcept {
    std::swap(number_, other.number_);
    return *this;
}

void* Listening::carried() const noexcept {
    return reinterpret_cast<void*>(number_);  // NOLINT(*-no-int-to-ptr, *-reinterpret-cast)
}

std::optional<Listener> Listening::find(const void* carried) {
    auto& all = listeners();
    const lib::MutexLock lock(all.mutex);
    const auto found = all.by_number.find(
        reinterpret_cast<std::uintptr_t>(carried));  // NOLINT(*-reinterpret-cast)
    if (found == all.by_number.end()) return std::nullopt;
    return found->second;
}

}  // namespace twincached::replication::nats
