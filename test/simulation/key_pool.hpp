// Keys of which many lie in one bucket, as they do in a large cache: what is said of a bucket is
// said of all of them.
#pragma once

#include "lib/hash.hpp"
#include "storage/key.hpp"

#include <algorithm>
#include <array>
#include <cstddef>
#include <cstdint>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

namespace twincached::simulation {

// Keys that lie in few buckets; found once, they serve all seeds.
class KeyPool {
  public:
    explicit KeyPool(std::string_view secret);
    static constexpr std::size_t bucket_count = 4;
    static constexpr std::size_t keys_per_bucket = 16;
    const lib::KeyedHash& hash() const noexcept { return hash_; }
    const std::vector<std::string>& of_bucket(std::size_t i) const { return keys_[i]; }
    storage::BucketNumber bucket(std::size_t i) const noexcept { return buckets_[i]; }

  private:
    lib::KeyedHash hash_;
    std::array<storage::BucketNumber, bucket_count> buckets_;
    std::array<std::vector<std::string>, bucket_count> keys_;
};

inline KeyPool::KeyPool(std::string_view secret) : hash_(secret) {
    const std::array<storage::BucketNumber, bucket_count> buckets{0x0000, 0x3FFF, 0x4000, 0xFFFF};
    buckets_ = buckets;
    std::size_t full = 0;
    for (std::uint64_t i = 0; full < bucket_count; ++i) {
        auto key = "k" + std::to_string(i);
        const auto bucket = storage::bucket_of(hash_(key));
        const auto at = std::find(buckets_.begin(), buckets_.end(), bucket);
        if (at == buckets_.end()) continue;
        auto& keys = keys_[static_cast<std::size_t>(at - buckets_.begin())];
        if (keys.size() == keys_per_bucket) continue;
        keys.push_back(std::move(key));
        if (keys.size() == keys_per_bucket) ++full;
    }
}

}  // namespace twincached::simulation
