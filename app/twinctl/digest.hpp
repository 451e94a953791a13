// `twinctl digest`: whether two nodes hold the same, from what they said of themselves. Pure: who
// asks them is item_commands.
//
// A change on its way makes two nodes differ for a moment, and what has expired is dropped by each
// in its own time. So what counts is a difference that is still there when one looks again.
#pragma once

#include "app/twinctl/item_line.hpp"
#include "lib/result.hpp"

#include <array>
#include <cstddef>
#include <cstdint>
#include <span>
#include <string>
#include <string_view>
#include <tuple>
#include <vector>

namespace twincached::app {

using BucketDigests = std::vector<std::uint64_t>;

// From the body of /digest. The error is a sentence without its beginning.
lib::Parsed<BucketDigests> parse_digests(std::string_view body);

// The numbers of those that differ. REQUIRES: as many of both.
std::vector<std::size_t> differing(const BucketDigests& first, const BucketDigests& second);
// Those of `first` that are among the second, too. REQUIRES: both are in ascending order.
std::vector<std::size_t> common(std::span<const std::size_t> first,
                                std::span<const std::size_t> second);

// An item that the nodes do not agree on. A version is 0 where the item is not.
struct ItemDifference {
    std::size_t bucket = 0;
    std::string key;  // as it may be shown
    std::array<storage::Version, 2> versions{};

    friend bool operator==(const ItemDifference&, const ItemDifference&) = default;
    friend bool operator<(const ItemDifference& one, const ItemDifference& other) noexcept {
        return std::tie(one.bucket, one.key, one.versions) <
               std::tie(other.bucket, other.key, other.versions);
    }
};

// Of one bucket's lists, in the order of the keys.
std::vector<ItemDifference> differences(std::size_t bucket, std::span<const ItemLine> first,
                                        std::span<const ItemLine> second);
// Those that are the same in both looks.
std::vector<ItemDifference> lasting(std::vector<ItemDifference> before,
                                    std::vector<ItemDifference> now);

struct Comparison {
    std::array<std::string, 2> nodes;  // as people name them
    std::size_t buckets_in_use = 0;    // that hold anything on either node
    std::vector<std::size_t> differing;
    // Of the first of these buckets, so many as were listed.
    std::size_t listed_buckets = 0;
    std::vector<ItemDifference> items;
    // Why items could not be listed; empty: they could.
    std::string unlisted;

    // Nothing is known to differ: no bucket, or buckets of which every item was seen to be equal.
    bool is_equal() const noexcept {
        return differing.empty() ||
               (unlisted.empty() && items.empty() && listed_buckets == differing.size());
    }
};

std::string digest_screen(const Comparison& comparison);
std::string digest_json(const Comparison& comparison);

}  // namespace twincached::app
