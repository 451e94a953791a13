#include "protocol/reports/hot_keys_report.hpp"

#include "protocol/digits.hpp"
#include "protocol/observation/request_sampler.hpp"
#include "protocol/uri_key.hpp"

#include <array>
#include <string>

namespace twincached::protocol {

namespace {

std::string_view name_of(HotKeys::Ranking ranking) noexcept {
    switch (ranking) {
        case HotKeys::Ranking::keys_by_requests:
            return "key_requests:";
        case HotKeys::Ranking::keys_by_bytes:
            return "key_bytes:";
        case HotKeys::Ranking::prefixes_by_requests:
            return "prefix_requests:";
        case HotKeys::Ranking::prefixes_by_bytes:
        case HotKeys::Ranking::count_:
            return "prefix_bytes:";
    }
    return {};
}

}  // namespace

void report_hot_keys(const HotKeys& hot_keys, std::size_t count, StatVisitor visit) {
    visit("hotkeys", hot_keys.is_enabled() ? "on" : "off");
    visit("sampled_one_in", std::to_string(RequestSampler::one_in));
    visit("requests", std::to_string(hot_keys.requests()));
    visit("bytes", std::to_string(hot_keys.bytes()));
    hot_keys.visit(count, [&](const HotKeys::Line& line) {
        std::array<char, uri_key_limit + 2 * digits_limit + 2> text;
        char* at = put_uri_key(text.data(), line.key);
        at = put_number(put(at, " "), line.amount);
        at = put_number(put(at, " "), line.error);
        visit(std::string(name_of(line.ranking)) + std::to_string(line.rank),
              {text.data(), static_cast<std::size_t>(at - text.data())});
    });
}

}  // namespace twincached::protocol
