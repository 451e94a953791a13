#include "app/endpoint/item_pages.hpp"

#include "app/endpoint/query.hpp"
#include "lib/allocation.hpp"
#include "lib/numbers.hpp"
#include "protocol/base64.hpp"
#include "protocol/uri_key.hpp"

#include <fmt/format.h>

#include <algorithm>
#include <array>
#include <iterator>
#include <optional>
#include <string>
#include <vector>

namespace twincached::app {
namespace {

using storage::ItemView;
using storage::PinnedValue;

// Keys alone are small: so many items are looked at under a few locks.
constexpr std::size_t keys_at_once = 128;

struct Wanted {
    std::string prefix;
    std::optional<storage::BucketNumber> bucket;
    std::uint64_t from = 0;
    std::size_t limit = items_looked_at;
    bool with_values = false;
};

// An item, out of the store: what is written of it is written without a lock.
struct Kept {
    std::string key;
    storage::Version version = 0;
    storage::Expiry expiry;
    std::uint32_t flags = 0;
    std::size_t size = 0;
    bool is_stale = false;
    std::string copied;
    PinnedValue pinned;
};

Answer wrong(std::string why) {
    return {.status = 400, .body = std::move(why) + "\n"};
}

template <class Number>
std::string take_number(Query& query, std::string_view name, Number& to) {
    const auto text = query.value(name);
    if (!text) return {};
    const auto number = lib::parse_number<Number>(*text);
    if (!number) return fmt::format("{}: a number is needed", name);
    to = *number;
    return {};
}

// A sentence if it cannot be read.
std::string read_wanted(std::string_view text, Wanted& to) {
    Query query(text);
    to.prefix = query.value("prefix").value_or("");
    storage::BucketNumber bucket = 0;
    std::string problem = take_number(query, "bucket", bucket);
    if (query.value("bucket")) to.bucket = bucket;
    if (problem.empty()) problem = take_number(query, "from", to.from);
    if (problem.empty()) problem = take_number(query, "limit", to.limit);
    if (problem.empty() && to.limit == 0) problem = "limit: at least 1";
    if (problem.empty() && to.bucket && query.value("from") &&
        storage::bucket_of(to.from) != bucket)
        problem = "from: it lies outside of that bucket";
    return problem.empty() ? query.problem() : problem;
}

// One answer: from a hash on until it is full, with the hash to go on from. Nothing is kept between
// two answers, so a client that leaves costs nothing, and what comes or goes meanwhile may be told
// or not.
class Listing {
  public:
    Listing(const Wanted& wanted, const StoredItems& items) : wanted_(wanted), items_(items) {}

    std::string text() {
        auto at = wanted_.from;
        if (wanted_.bucket) at = std::max(at, std::uint64_t{*wanted_.bucket} << 48);
        while (has_room()) {
            const auto next = look(at);
            const bool is_beyond =
                next && wanted_.bucket && storage::bucket_of(next->hash) != *wanted_.bucket;
            if (!next || is_beyond) return std::move(text_) + "end\n";
            at = next->hash;
        }
        return std::move(text_) + fmt::format("more={}\n", at);
    }

  private:
    bool has_room() const noexcept {
        return looked_at_ < items_looked_at && listed_ < wanted_.limit &&
               text_.size() < items_answer_bytes;
    }

    // Values may be large: the items of one bucket of the index at a time.
    std::optional<storage::Store::Cursor> look(std::uint64_t at) {
        const auto step = wanted_.with_values ? 1 : std::min(keys_at_once, wanted_.limit - listed_);
        std::vector<Kept> found;
        lib::MemoryGuard guard;
        const auto next =
            items_.store.walk({at}, step, items_.now, guard.over([&](const ItemView& item) {
                ++looked_at_;
                if (is_wanted(item)) found.push_back(kept(item));
            }));
        guard.finish();
        for (const auto& item : found)
            write(item);
        return next;
    }

    bool is_wanted(const ItemView& item) const noexcept {
        return item.key.starts_with(wanted_.prefix) &&
               (!wanted_.bucket || storage::bucket_of(item.hash) == *wanted_.bucket);
    }

    Kept kept(const ItemView& item) const {
        Kept kept{.key = std::string(item.key),
                  .version = item.version,
                  .expiry = item.expiry,
                  .flags = item.client_flags,
                  .size = item.value.size(),
                  .is_stale = item.stale,
                  .copied = {},
                  .pinned = {}};
        if (!wanted_.with_values) return kept;
        if (item.pinnable) {
            kept.pinned = items_.store.pin(item);
        } else {
            kept.copied = item.value;
        }
        return kept;
    }

    void write(const Kept& item) {
        ++listed_;
        std::array<char, protocol::uri_key_limit> key;
        const char* const end = protocol::put_uri_key(key.data(), item.key);
        fmt::format_to(std::back_inserter(text_), "key={} version={} exp={} flags={} size={}{}",
                       std::string_view(key.data(), static_cast<std::size_t>(end - key.data())),
                       item.version, unix_time_of(item.expiry), item.flags, item.size,
                       item.is_stale ? " stale=yes" : "");
        if (wanted_.with_values)
            write_value(item.copied.empty() ? item.pinned.bytes() : std::string_view(item.copied));
        text_ += '\n';
    }

    void write_value(std::string_view value) {
        text_ += " value=";
        const auto begin = text_.size();
        text_.resize(begin + protocol::base64_size(value.size()));
        protocol::put_base64(text_.data() + begin, value);
    }

    std::int64_t unix_time_of(storage::Expiry expiry) const noexcept {
        if (expiry.is_never()) return -1;
        return items_.now.unix_seconds + (std::int64_t{expiry.raw()} - items_.now.tick());
    }

    const Wanted& wanted_;
    const StoredItems& items_;
    std::string text_;
    std::size_t looked_at_ = 0;
    std::size_t listed_ = 0;
};

Answer listing(std::string_view query, const StoredItems& items, bool with_values) {
    Wanted wanted;
    wanted.with_values = with_values;
    auto problem = read_wanted(query, wanted);
    if (!problem.empty()) return wrong(std::move(problem));
    return {.body = Listing(wanted, items).text()};
}

}  // namespace

// Bounded three times: by items looked at, by items listed, by bytes. So no question takes longer
// than another, whatever the prefix.
Answer keys_page(std::string_view query, const StoredItems& items) {
    return listing(query, items, false);
}

Answer items_page(std::string_view query, const StoredItems& items) {
    return listing(query, items, true);
}

// Some thousand buckets under a lock at a time, and 17 bytes for each in the answer: 1.1 MB.
Answer digest_page(std::string_view query, const StoredItems& items) {
    if (!query.empty()) return wrong("this page has no parameters");
    std::array<std::uint64_t, 1024> digests;
    static_assert(storage::bucket_count % digests.size() == 0);
    std::string text;
    for (std::size_t first = 0; first < storage::bucket_count; first += digests.size()) {
        if (!items.digests(static_cast<storage::BucketNumber>(first), digests))
            return {.status = 503, .body = "this node has no peer: it keeps no digests\n"};
        for (const auto digest : digests) {
            std::array<char, 17> line;
            text.append(line.data(), fmt::format_to(line.data(), "{:016x}\n", digest));
        }
    }
    return {.body = std::move(text)};
}

}  // namespace twincached::app
