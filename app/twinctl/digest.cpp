#include "app/twinctl/digest.hpp"

#include "lib/json.hpp"
#include "storage/key.hpp"

#include <fmt/format.h>

#include <algorithm>
#include <charconv>
#include <iterator>
#include <map>

namespace twincached::app {
namespace {

namespace json = boost::json;

// Of a digest in hexadecimal, as the endpoint writes it: one a line, by bucket.
constexpr std::size_t digest_digits = 16;

// Versions order writes, so the higher one is the newer value; 0 says that a node lacks the key.
std::string line_of(const ItemDifference& item, const Comparison& comparison) {
    const auto& [first, second] = item.versions;
    const auto& nodes = comparison.nodes;
    const auto begin = fmt::format("bucket {}: key {}: ", item.bucket, item.key);
    if (second == 0) return begin + "on " + nodes[0] + " alone\n";
    if (first == 0) return begin + "on " + nodes[1] + " alone\n";
    return begin + fmt::format("newer on {} (versions {} and {})\n", nodes[first > second ? 0 : 1],
                               first, second);
}

std::string numbers_of(std::span<const std::size_t> buckets) {
    std::string text;
    for (const auto bucket : buckets)
        text += fmt::format("{}{}", text.empty() ? "" : ", ", bucket);
    return text;
}

}  // namespace

// All of them or none: a page that was cut short would count as a difference in all that is
// missing.
lib::Parsed<BucketDigests> parse_digests(std::string_view body) {
    BucketDigests digests;
    while (body.size() > digest_digits && body[digest_digits] == '\n') {
        std::uint64_t digest = 0;
        const auto* const end = body.data() + digest_digits;
        if (std::from_chars(body.data(), end, digest, 16).ptr != end) break;
        digests.push_back(digest);
        body.remove_prefix(digest_digits + 1);
    }
    if (!body.empty() || digests.size() != storage::bucket_count)
        return std::string("its digests cannot be read: does it run another version?");
    return digests;
}

// REQUIRES: both have all buckets.
std::vector<std::size_t> differing(const BucketDigests& first, const BucketDigests& second) {
    std::vector<std::size_t> buckets;
    for (std::size_t i = 0; i < first.size(); ++i) {
        if (first[i] != second[i]) buckets.push_back(i);
    }
    return buckets;
}

// What differs now and differed before. A change on its way makes a bucket differ for some
// milliseconds; what differs twice in a row is more than that. REQUIRES: both are sorted.
std::vector<std::size_t> common(std::span<const std::size_t> first,
                                std::span<const std::size_t> second) {
    std::vector<std::size_t> both;
    std::set_intersection(first.begin(), first.end(), second.begin(), second.end(),
                          std::back_inserter(both));
    return both;
}

// Keys as they are shown: encoded, so that two of them differ if and only if the keys do.
std::vector<ItemDifference> differences(std::size_t bucket, std::span<const ItemLine> first,
                                        std::span<const ItemLine> second) {
    std::map<std::string, std::array<storage::Version, 2>> versions;
    for (const auto& item : first)
        versions[item.shown_key][0] = item.version;
    for (const auto& item : second)
        versions[item.shown_key][1] = item.version;
    std::vector<ItemDifference> found;
    for (const auto& [key, both] : versions) {
        if (both[0] != both[1]) found.push_back({bucket, key, both});
    }
    return found;
}

// The same of items: a difference counts if it is there at both looks, with the same versions.
std::vector<ItemDifference> lasting(std::vector<ItemDifference> before,
                                    std::vector<ItemDifference> now) {
    std::sort(before.begin(), before.end());
    std::sort(now.begin(), now.end());
    std::vector<ItemDifference> both;
    std::set_intersection(before.begin(), before.end(), now.begin(), now.end(),
                          std::back_inserter(both));
    return both;
}

// For people: the verdict is the first word of the first line.
std::string digest_screen(const Comparison& comparison) {
    const auto& nodes = comparison.nodes;
    const auto count = comparison.differing.size();
    if (count == 0)
        return fmt::format("equal: {} and {} hold the same, in {} buckets of keys\n", nodes[0],
                           nodes[1], comparison.buckets_in_use);
    if (comparison.is_equal()) {
        return fmt::format(
            "equal: {} and {} hold the same, but for what has expired or is on its "
            "way, in {} of {} buckets\n",
            nodes[0], nodes[1], count, storage::bucket_count);
    }
    auto text = fmt::format("different: {} and {} differ in {} of {} buckets\n", nodes[0], nodes[1],
                            count, storage::bucket_count);
    if (!comparison.unlisted.empty()) {
        constexpr std::size_t shown = 20;
        const auto first = std::span(comparison.differing).first(std::min(shown, count));
        text += fmt::format("buckets {}{}\nkeys are not listed: {}\n", numbers_of(first),
                            count > shown ? ", ..." : "", comparison.unlisted);
        return text;
    }
    for (const auto& item : comparison.items)
        text += line_of(item, comparison);
    if (comparison.listed_buckets < count) {
        text += fmt::format("these are the keys of {} of the buckets; --limit {} lists all\n",
                            comparison.listed_buckets, count);
    }
    return text;
}

std::string digest_json(const Comparison& comparison) {
    json::array items;
    for (const auto& item : comparison.items) {
        items.push_back(
            json::object{{"bucket", item.bucket},
                         {"key", item.key},
                         {"versions", json::array{item.versions[0], item.versions[1]}}});
    }
    const json::object page{
        {"equal", comparison.is_equal()},
        {"nodes", json::array{comparison.nodes[0], comparison.nodes[1]}},
        {"differing_buckets",
         json::array(comparison.differing.begin(), comparison.differing.end())},
        {"listed_buckets", comparison.listed_buckets},
        {"items", std::move(items)},
        {"unlisted", comparison.unlisted},
    };
    return json::serialize(page) + "\n";
}

}  // namespace twincached::app
