#include "app/listeners/address_limit.hpp"

#include <algorithm>
#include <cassert>

namespace twincached::app {

AddressLimit::Address AddressLimit::key_of(const ClientAddress& client) noexcept {
    Address key{};
    key.front() = static_cast<unsigned char>(client.family);
    constexpr std::size_t network_bytes = 8;
    const auto counted =
        client.family == ClientAddress::Family::ipv6 ? network_bytes : client.bytes.size();
    std::copy_n(client.bytes.begin(), counted, key.begin() + 1);
    return key;
}

bool AddressLimit::take(const ClientAddress& client) {
    const auto most = most_.load(std::memory_order_relaxed);
    const lib::MutexLock lock(mutex_);
    auto& count = connections_[key_of(client)];
    if (most > 0 && count >= most) {
        rejected_.fetch_add(1, std::memory_order_relaxed);
        return false;
    }
    ++count;
    return true;
}

void AddressLimit::give_back(const ClientAddress& client) noexcept {
    const lib::MutexLock lock(mutex_);
    const auto found = connections_.find(key_of(client));
    assert(found != connections_.end() && found->second > 0);
    if (--found->second == 0) connections_.erase(found);
}

}  // namespace twincached::app
