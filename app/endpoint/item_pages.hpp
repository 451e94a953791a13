// /keys, /items and /digest: what a node keeps, the first two for those who may read it. Each
// answer is bounded, in the items that it looks at and in bytes, so that neither memory nor the
// endpoint's thread is taken for long; the last line says where to go on. Whoever asks is an
// operator: `-X`, which forbids clients to dump, does not concern them. Pure but for the store that
// is read.
//
//     key=user%3A42 version=8837 exp=1795380384 flags=0 size=3 value=Zm9v
//     ...
//     more=4503599627370496                      ask again with from=4503599627370496, or:
//     end
#pragma once

#include "app/endpoint/request.hpp"
#include "storage/key.hpp"
#include "storage/store.hpp"

#include <cstddef>
#include <cstdint>
#include <span>
#include <string_view>

namespace twincached::app {

// What may be read. Valid as long as an answer is made.
struct StoredItems {
    storage::Store& store;
    storage::Now now;
    // The digests of so many buckets from the first one on; false: this node keeps none.
    lib::FunctionRef<bool(storage::BucketNumber first, std::span<std::uint64_t> digests)> digests;
};

// Items that one answer looks at, whether they are wanted or not.
inline constexpr std::size_t items_looked_at = 4096;
// No item more is added behind so many bytes of an answer.
inline constexpr std::size_t items_answer_bytes = 256 * 1024;

// In the order of their hashes. `query`: prefix=, bucket=, from=, limit=. An item that is kept all
// the while is listed at least once; what is stored or leaves meanwhile may or may not be.
Answer keys_page(std::string_view query, const StoredItems& items);
// The same, with values.
Answer items_page(std::string_view query, const StoredItems& items);
// A line of 16 hexadecimal digits for each bucket: equal on two nodes if they hold the same
// versions of the same keys. 503 if the node does not replicate.
Answer digest_page(std::string_view query, const StoredItems& items);

}  // namespace twincached::app
