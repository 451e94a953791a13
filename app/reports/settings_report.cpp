#include "app/reports/settings_report.hpp"

#include "app/options/option_printing.hpp"
#include "lib/option_value.hpp"

#include <algorithm>
#include <cstddef>
#include <string>
#include <string_view>
#include <vector>

namespace twincached::app {
namespace {

// Every place is taken by one key.
constexpr std::size_t places = 77;

constexpr std::string_view nothing = "NULL";  // memcached's word; a reader may want three words

struct Line {
    std::string_view key;
    std::string value;
};

// Place 1 is the first, as in OptionSetting.
using Lines = std::vector<Line>;

std::string shown(const lib::OptionRow& row, const Options& options) {
    auto plain = lib::plain_text(row, options.structs());
    if (plain.empty()) return std::string(row.setting.if_empty);
    return row.setting.shown == nullptr ? plain : row.setting.shown(plain);
}

void put_options(const Options& options, Lines& lines) {
    for (const auto& row : options.rows()) {
        if (row.setting.place == 0) continue;
        lines.at(row.setting.place) = {row.setting.name, shown(row, options)};
    }
}

Line& line_of(std::string_view key, Lines& lines) {
    return *std::find_if(lines.begin(), lines.end(),
                         [=](const Line& line) { return line.key == key; });
}

// What the options said at the start, and what has become of it.
void put_states(const SettingsState& state, Lines& lines) {
    line_of("maxbytes", lines).value = std::to_string(state.memory_limit_bytes);
    line_of("tcpport", lines).value = std::to_string(state.tcp_port);
    line_of("verbosity", lines).value = std::to_string(state.verbosity);
    if (state.udp_port != 0) line_of("udpport", lines).value = std::to_string(state.udp_port);
    lines[7] = {"oldest", std::to_string(state.oldest_tick)};
    lines[17] = {"detail_enabled", state.detail_enabled ? "yes" : "no"};
}

// What memcached shows twice, and what is always so here.
void put_constants(Lines& lines) {
    lines[15] = {"num_threads_per_udp", line_of("num_threads", lines).value};
    lines[40] = {"lru_segmented", line_of("lru_maintainer_thread", lines).value};
    lines[45] = {"temp_lru", "no"};
    lines[75] = {"num_napi_ids", "0"};
    lines[77] = {"client_flags_size", "4"};
}

bool is_our_own(const lib::OptionRow& row) noexcept {
    return row.setting.place == 0 && !row.section.empty() && row.use == lib::OptionUse::effective;
}

// As the file has it, with its unit, in one word if a list is all that would make it several.
std::string as_written(const lib::OptionRow& row, const Options& options) {
    auto value = lib::value_text(row, options.structs());
    if (value.empty()) return std::string(nothing);
    if (row.secret) return std::string(masked);
    if (row.fills.kind == lib::OptionKind::list) std::erase(value, ' ');
    return value;
}

}  // namespace

std::string setting_name(const lib::OptionRow& row) {
    if (row.setting.place != 0) return std::string(row.setting.name);
    auto name = std::string(row.section) + '_' + std::string(row.key);
    std::replace(name.begin(), name.end(), '-', '_');
    return name;
}

void report_settings(const Options& options, const SettingsState& state,
                     protocol::StatVisitor visit) {
    Lines lines(1 + places);
    put_options(options, lines);
    put_states(state, lines);
    put_constants(lines);
    for (std::size_t place = 1; place <= places; ++place)
        visit(lines[place].key, lines[place].value);
    for (const auto& row : options.rows())
        if (is_our_own(row)) visit(setting_name(row), as_written(row, options));
}

}  // namespace twincached::app
