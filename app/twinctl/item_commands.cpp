#include "app/twinctl/item_commands.hpp"

#include "app/twinctl/check.hpp"
#include "app/twinctl/digest.hpp"
#include "app/twinctl/dump_file.hpp"
#include "app/twinctl/item_loader.hpp"
#include "app/twinctl/node_status.hpp"
#include "app/twinctl/plain_text.hpp"
#include "lib/json.hpp"
#include "lib/numbers.hpp"

#include <fmt/format.h>

#include <algorithm>
#include <chrono>
#include <fstream>
#include <iostream>
#include <optional>
#include <thread>
#include <utility>
#include <vector>

namespace twincached::app {
namespace {

namespace json = boost::json;
using std::chrono::milliseconds;

// Changes reach the other node within this, unless the link is behind.
constexpr milliseconds settling{200};
// Looks at all digests until what differs is taken for different.
constexpr int looks = 5;
constexpr std::size_t buckets_listed = 64;
constexpr std::uint64_t all_hot_keys = 1000;  // more than a node tells of

Outcome failed(std::string why, int exit_code = check_failed) {
    return {exit_code, std::move(why)};
}

// Of status 200.
lib::Parsed<AdminAnswer> page_of(const NodeAddress& node, const std::string& target,
                                 milliseconds patience) {
    auto answer = ask(node, target, patience);
    if (answer.has_error() || answer->status == 200) return answer;
    return fmt::format("{}: {}", node.text, plain_line(answer->body));
}

bool is_plain_page(std::string_view text) noexcept {
    return std::all_of(text.begin(), text.end(),
                       [](char c) { return c == '\n' || (c >= ' ' && c <= '~'); });
}

struct Listing {
    std::string target;  // of the first page: "/keys?bucket=5"
    milliseconds patience;
};

// Calls `take` with the line of each item until it says false. A sentence if a page did not come.
std::string each_item(const NodeAddress& node, const Listing& listing,
                      lib::FunctionRef<bool(std::string_view)> take) {
    constexpr std::string_view more = "more=";
    std::uint64_t last = 0;
    for (auto target = listing.target;;) {
        const auto page = page_of(node, target, listing.patience);
        if (page.has_error()) return page.error();
        // Keys and values are told in letters and digits; anything else is no list of a node's.
        if (!is_plain_page(page->body)) return fmt::format("{}: {}", node.text, no_node_answers);
        std::string_view rest = page->body;
        std::string_view line;
        while (!rest.empty()) {
            line = rest.substr(0, rest.find('\n'));
            rest.remove_prefix(std::min(rest.size(), line.size() + 1));
            if (line == "end") return {};
            if (!line.starts_with(more) && !take(line)) return {};
        }
        // Who goes on must come closer to the end.
        const auto next = lib::parse_number<std::uint64_t>(
            line.starts_with(more) ? line.substr(more.size()) : std::string_view());
        if (next.value_or(0) <= last) return node.text + ": its answer has no end";
        last = *next;
        target = fmt::format("{}from={}", listing.target, last);
    }
}

// With whatever separates it from a parameter to come.
std::string target_of(std::string_view page, const Arguments& arguments) {
    if (arguments.prefix.empty()) return fmt::format("{}?", page);
    return fmt::format("{}?prefix={}&", page, percent_encoded(arguments.prefix));
}

std::string json_line(const ItemLine& item) {
    json::object object{{"key", item.shown_key},   {"version", item.version},
                        {"expires", item.expires}, {"flags", item.flags},
                        {"size", item.size},       {"stale", item.is_stale}};
    if (!item.value_text.empty()) object["value"] = item.value_text;
    return json::serialize(object) + "\n";
}

// Prints items until there are as many as wanted. The number, or a sentence.
lib::Parsed<std::uint64_t> print_items(std::string_view page, const Arguments& arguments,
                                       Print print) {
    std::uint64_t printed = 0;
    const auto& node = arguments.nodes.front();
    const auto limit = arguments.limit;
    auto why = each_item(node, {target_of(page, arguments), arguments.timeout},
                         [&](std::string_view line) {
                             if (!arguments.is_json) {
                                 print(std::string(line) + "\n");
                             } else if (const auto item = parse_item_line(line)) {
                                 print(json_line(*item));
                             }
                             return ++printed != limit;
                         });
    if (!why.empty()) return why;
    return printed;
}

// --- digest ------------------------------------------------------------------------------------

using Both = std::array<BucketDigests, 2>;

lib::Parsed<Both> digests_of(const Arguments& arguments) {
    Both both;
    for (std::size_t i = 0; i < both.size(); ++i) {
        const auto& node = arguments.nodes[i];
        const auto page = page_of(node, "/digest", arguments.timeout);
        if (page.has_error()) return page.error();
        auto digests = parse_digests(page->body);
        if (digests.has_error()) return fmt::format("{}: {}", node.text, digests.error());
        both[i] = std::move(*digests);
    }
    return both;
}

// The numbers of the buckets that differ whenever one looks; a sentence if a node does not say.
lib::Parsed<std::vector<std::size_t>> still_differing(const Arguments& arguments,
                                                      std::size_t& buckets_in_use) {
    std::vector<std::size_t> left;
    for (int look = 0; look < looks; ++look) {
        if (look > 0) std::this_thread::sleep_for(settling);
        const auto both = digests_of(arguments);
        if (both.has_error()) return both.error();
        const auto& [first, second] = *both;
        const auto now = differing(first, second);
        left = look == 0 ? now : common(left, now);
        buckets_in_use = 0;
        for (std::size_t i = 0; i < first.size(); ++i)
            buckets_in_use += first[i] != 0 || second[i] != 0 ? 1U : 0U;
        if (left.empty()) break;
    }
    return left;
}

lib::Parsed<std::vector<ItemDifference>> differences_of(const Arguments& arguments,
                                                        std::size_t bucket) {
    std::array<std::vector<ItemLine>, 2> lists;
    for (std::size_t i = 0; i < lists.size(); ++i) {
        const auto target = fmt::format("/keys?bucket={}&", bucket);
        auto why =
            each_item(arguments.nodes[i], {target, arguments.timeout}, [&](std::string_view line) {
                if (auto item = parse_item_line(line)) lists[i].push_back(std::move(*item));
                return true;
            });
        if (!why.empty()) return why;
    }
    return differences(bucket, lists[0], lists[1]);
}

// Looks twice at each of the first buckets.
void list_items(const Arguments& arguments, Comparison& to) {
    const auto count = std::min<std::size_t>(
        to.differing.size(), arguments.limit == 0 ? buckets_listed : arguments.limit);
    std::array<std::vector<ItemDifference>, 2> seen;
    for (auto& look : seen) {
        if (&look != &seen.front()) std::this_thread::sleep_for(settling);
        for (std::size_t i = 0; i < count; ++i) {
            auto found = differences_of(arguments, to.differing[i]);
            if (found.has_error()) {
                to.unlisted = found.error();
                return;
            }
            look.insert(look.end(), found->begin(), found->end());
        }
    }
    to.listed_buckets = count;
    to.items = lasting(std::move(seen[0]), std::move(seen[1]));
}

// --- hot keys ----------------------------------------------------------------------------------

Outcome list_hot_keys(const Arguments& arguments, Print print) {
    const auto& address = arguments.nodes.front();
    const auto page = page_of(address, "/status", arguments.timeout);
    if (page.has_error()) return failed(page.error());
    const auto node = node_status(address.text, page->body);
    if (!node.error.empty()) return failed(node.error);
    const auto* told = node.page.if_contains("hot_keys");
    if (told == nullptr || !told->is_object()) {
        return failed(
            address.text +
            ": it tells of no hot keys: `hot-keys = yes` of [commands], or `stats hotkeys "
            "on`, counts them, and its user and root are told, by a unix socket");
    }
    const auto limit = arguments.limit == 0 ? all_hot_keys : arguments.limit;
    for (const auto& line : hot_keys_of(node, "keys_by_requests", limit)) {
        print(
            arguments.is_json
                ? json::serialize(json::object{
                      {"key", line.key}, {"requests", line.amount}, {"error", line.error}}) +
                      "\n"
                : fmt::format("key={} requests={} error={}\n", line.key, line.amount, line.error));
    }
    return {};
}

}  // namespace

Outcome list_keys(const Arguments& arguments, Print print) {
    if (arguments.nodes.size() > 1)
        return failed("keys asks one node: name it with --pid, --host or --socket");
    if (arguments.is_hot) return list_hot_keys(arguments, print);
    const auto printed = print_items("/keys", arguments, print);
    return printed.has_error() ? failed(printed.error()) : Outcome();
}

Outcome compare_digests(const Arguments& arguments, Print print) {
    if (arguments.nodes.size() != 2) {
        return failed("digest compares two nodes: name both with --host or --socket",
                      digest_failed);
    }
    Comparison comparison;
    comparison.nodes = {arguments.nodes[0].text, arguments.nodes[1].text};
    auto buckets = still_differing(arguments, comparison.buckets_in_use);
    if (buckets.has_error()) return failed(buckets.error(), digest_failed);
    comparison.differing = std::move(*buckets);
    list_items(arguments, comparison);
    print(arguments.is_json ? digest_json(comparison) : digest_screen(comparison));
    return {comparison.is_equal() ? 0 : digest_differs, {}};
}

Outcome dump_items(const Arguments& arguments, Print print) {
    if (arguments.nodes.size() > 1)
        return failed("dump asks one node: name it with --pid, --host or --socket");
    if (!arguments.is_json) print(dump_begin);
    const auto printed = print_items("/items", arguments, print);
    if (printed.has_error()) return failed(printed.error());
    if (!arguments.is_json) print(dump_end(*printed));
    return {};
}

Outcome load_items(const Arguments& arguments, Print print) {
    const auto& to = *arguments.to;
    auto connection = NodeConnection::to(to, NodeConnection::Clock::now() + arguments.timeout);
    if (connection.has_error()) return failed(fmt::format("{}: {}", to.text, connection.error()));
    ItemLoader loader(std::move(*connection), arguments.timeout, arguments.only_new);
    const auto unix_now = [] {
        const auto now = std::chrono::system_clock::now().time_since_epoch();
        return std::chrono::duration_cast<std::chrono::seconds>(now).count();
    };
    std::string problem = arguments.login.empty() ? "" : loader.log_in(arguments.login);
    if (!problem.empty()) return failed(fmt::format("{}: {}", to.text, problem));
    problem = read_dump(std::cin, [&](std::string_view line) -> std::string {
        const auto item = parse_item_line(line);
        if (!item) return "it is not as a dump writes it";
        return loader.take(*item, unix_now());
    });
    auto last = loader.finish();
    if (problem.empty()) problem = std::move(last);
    const auto& counts = loader.counts();
    if (arguments.is_json) {
        const json::object page{{"stored", counts.stored()}, {"ended", counts.ended},
                                {"kept", counts.kept},       {"refused", counts.refused},
                                {"why", counts.why},         {"problem", problem}};
        print(json::serialize(page) + "\n");
    } else {
        print(fmt::format("{} stored, {} ended meanwhile, {} kept as they were, {} refused{}{}\n",
                          counts.stored(), counts.ended, counts.kept, counts.refused,
                          counts.why.empty() ? "" : ": ", counts.why));
    }
    if (!problem.empty()) return failed(fmt::format("{}: {}", to.text, problem));
    return {counts.refused > 0 ? check_failed : 0, {}};
}

}  // namespace twincached::app
