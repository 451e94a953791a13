#include "app/options/option_value.hpp"

#include "lib/numbers.hpp"
#include "lib/sizes.hpp"

#include <fmt/format.h>

#include <array>
#include <cassert>
#include <cctype>
#include <optional>

namespace twincached::app {
namespace {

struct DurationUnit {
    std::string_view name;
    std::uint64_t milliseconds;
};
constexpr std::array<DurationUnit, 5> duration_units{
    {{"d", 86'400'000}, {"h", 3'600'000}, {"m", 60'000}, {"s", 1000}, {"ms", 1}}};

std::string_view trimmed(std::string_view text) noexcept {
    const auto first = text.find_first_not_of(" \t");
    if (first == std::string_view::npos) return {};
    return text.substr(first, text.find_last_not_of(" \t") - first + 1);
}

// The option as the operator knows it, for messages.
std::string name_of(const Option& option) {
    if (!option.flag.empty()) return std::string(option.flag);
    return std::string(option.word.empty() ? option.key : option.word);
}

std::string bound_text(const Option& option, double bound) {
    const auto whole = static_cast<std::uint64_t>(bound);
    if (std::holds_alternative<std::uint64_t Options::*>(option.target)) {
        return lib::size_text(whole);
    }
    if (std::holds_alternative<std::chrono::milliseconds Options::*>(option.target)) {
        return duration_text(std::chrono::milliseconds(whole));
    }
    return fmt::format("{}", bound);
}

lib::Parsed<void> check_range(const Option& option, double value, std::string_view text) {
    if (value >= option.least && value <= option.most) return {};
    if (!option.out_of_range.empty()) {
        return fmt::format(fmt::runtime(option.out_of_range), text);
    }
    if (option.most == std::numeric_limits<double>::infinity()) {
        return fmt::format("{} must be at least {}, not '{}'", name_of(option),
                           bound_text(option, option.least), text);
    }
    return fmt::format("{} must be between {} and {}, not '{}'", name_of(option),
                       bound_text(option, option.least), bound_text(option, option.most), text);
}

lib::Parsed<void> check_choice(const Option& option, std::string_view text) {
    if (option.choices.empty()) return {};
    auto rest = option.choices;
    for (;;) {
        const auto bar = rest.find('|');
        if (rest.substr(0, bar) == text) return {};
        if (bar == std::string_view::npos) break;
        rest.remove_prefix(bar + 1);
    }
    if (!option.out_of_range.empty()) {
        return fmt::format(fmt::runtime(option.out_of_range), text);
    }
    return fmt::format("{} must be one of {}, not '{}'", name_of(option), option.choices, text);
}

lib::Parsed<bool> parse_flag(const Option& option, std::string_view text) {
    for (const auto yes : {"yes", "true", "on", "1"}) {
        if (text == yes) return true;
    }
    for (const auto no : {"no", "false", "off", "0"}) {
        if (text == no) return false;
    }
    return fmt::format("{} must be yes or no, not '{}'", name_of(option), text);
}

template <class Number>
lib::Parsed<Number> parse_ranged(const Option& option, std::string_view text) {
    Number value{};
    const auto [end, error] = std::from_chars(text.data(), text.data() + text.size(), value);
    if (error == std::errc::result_out_of_range) {
        // Checked wide: a number beyond all types is out of range, not "no number".
        const bool negative = text.starts_with('-');
        const auto far = negative ? -std::numeric_limits<double>::infinity() : 1e308;
        auto ranged = check_range(option, far, text);
        if (ranged.has_error()) return ranged.error();
    }
    if (error != std::errc{} || end != text.data() + text.size()) {
        return fmt::format("{} must be a number, not '{}'", name_of(option), text);
    }
    auto ranged = check_range(option, static_cast<double>(value), text);
    if (ranged.has_error()) return ranged.error();
    return value;
}

// Stores one value by the type of its target.
class Assignment {
  public:
    Assignment(const Option& option, std::string_view text, Options& options)
        : option_(option), text_(trimmed(text)), options_(options) {}

    lib::Parsed<void> operator()(bool Options::*member) const {
        return store(parse_flag(option_, text_), member);
    }
    lib::Parsed<void> operator()(std::int64_t Options::*member) const {
        return store(parse_ranged<std::int64_t>(option_, text_), member);
    }
    lib::Parsed<void> operator()(double Options::*member) const {
        return store(parse_ranged<double>(option_, text_), member);
    }
    lib::Parsed<void> operator()(std::string Options::*member) const {
        auto chosen = check_choice(option_, text_);
        if (chosen.has_error()) return chosen;
        options_.*member = text_;
        return {};
    }
    lib::Parsed<void> operator()(std::vector<std::string> Options::*member) const {
        for (auto rest = text_; !rest.empty();) {
            const auto comma = rest.find(',');
            const auto entry = trimmed(rest.substr(0, comma));
            if (!entry.empty()) (options_.*member).emplace_back(entry);
            rest.remove_prefix(comma == std::string_view::npos ? rest.size() : comma + 1);
        }
        return {};
    }
    lib::Parsed<void> operator()(std::uint64_t Options::*member) const {
        return store_ranged(lib::parse_size(text_, option_.plain_unit), member,
                            [](std::uint64_t bytes) { return static_cast<double>(bytes); });
    }
    lib::Parsed<void> operator()(std::chrono::milliseconds Options::*member) const {
        return store_ranged(parse_duration(text_, option_.plain_unit), member,
                            [](auto duration) { return static_cast<double>(duration.count()); });
    }
    lib::Parsed<void> operator()(Shape shape) const {
        if (shape == Shape::flag) {
            const auto value = parse_flag(option_, text_);
            if (value.has_error()) return value.error();
            return keep(*value ? "yes" : "no");
        }
        if (shape == Shape::number) {
            const auto value = parse_ranged<std::int64_t>(option_, text_);
            if (value.has_error()) return value.error();
        }
        if (shape == Shape::decimal) {
            const auto value = parse_ranged<double>(option_, text_);
            if (value.has_error()) return value.error();
        }
        const auto chosen = check_choice(option_, text_);
        if (chosen.has_error()) return chosen.error();
        return keep(text_);
    }

  private:
    template <class Value, class Member>
    lib::Parsed<void> store(const lib::Parsed<Value>& value, Member member) const {
        if (value.has_error()) return value.error();
        options_.*member = *value;
        return {};
    }
    template <class Value, class Member, class Measure>
    lib::Parsed<void> store_ranged(const lib::Parsed<Value>& value, Member member,
                                   Measure measure) const {
        if (value.has_error()) return name_of(option_) + ": " + value.error();
        auto ranged = check_range(option_, measure(*value), text_);
        if (ranged.has_error()) return ranged;
        return store(value, member);
    }
    lib::Parsed<void> keep(std::string_view text) const {
        options_.reported.insert_or_assign(std::string(option_.key), std::string(text));
        return {};
    }

    const Option& option_;
    std::string_view text_;
    Options& options_;
};

struct Copy {
    const Option& option;
    const Options& from;
    Options& to;

    template <class Value>
    void operator()(Value Options::*member) const {
        to.*member = from.*member;
    }
    void operator()(Shape) const {
        const std::string key(option.key);
        to.reported.insert_or_assign(key, from.reported.at(key));
    }
};

std::string yes_or_no(bool value) {
    return value ? "yes" : "no";
}

}  // namespace

lib::Parsed<std::chrono::milliseconds> parse_duration(std::string_view text,
                                                      std::uint64_t plain_unit) {
    const auto digits = text.substr(0, text.find_first_not_of("0123456789"));
    const auto suffix = text.substr(digits.size());
    std::optional<std::uint64_t> unit;
    if (suffix.empty()) unit = plain_unit;
    for (const auto& known : duration_units) {
        if (suffix == known.name) unit = known.milliseconds;
    }
    const auto count = lib::parse_number<std::uint64_t>(digits);
    if (!unit || !count || *count > std::numeric_limits<std::int64_t>::max() / *unit) {
        return fmt::format("'{}' is not a duration such as 200ms, 3s, 5m or 24h", text);
    }
    return std::chrono::milliseconds(*count * *unit);
}

std::string duration_text(std::chrono::milliseconds duration) {
    const auto count = static_cast<std::uint64_t>(duration.count());
    if (count == 0) return "0";
    for (const auto& unit : duration_units) {
        const bool is_round = unit.name == "d" ? false : count % unit.milliseconds == 0;
        if (is_round) return fmt::format("{}{}", count / unit.milliseconds, unit.name);
    }
    return fmt::format("{}ms", count);
}

lib::Parsed<void> assign(const Option& option, std::string_view text, Options& options) {
    return std::visit(Assignment(option, text, options), option.target);
}

lib::Parsed<void> assign_bare(const Option& option, Options& options) {
    assert(option.bare);
    if (const auto* member = std::get_if<std::int64_t Options::*>(&option.target)) {
        options.*(*member) += 1;
        return {};
    }
    const auto* shape = std::get_if<Shape>(&option.target);
    if (shape != nullptr && *shape == Shape::number) return assign(option, "1", options);
    return assign(option, yes_or_no(option.bare_value), options);
}

std::string value_text(const Option& option, const Options& options) {
    struct Text {
        const Option& option;
        const Options& options;

        std::string operator()(bool Options::*member) const { return yes_or_no(options.*member); }
        std::string operator()(std::int64_t Options::*member) const {
            return std::to_string(options.*member);
        }
        std::string operator()(double Options::*member) const {
            return fmt::format("{}", options.*member);
        }
        std::string operator()(std::string Options::*member) const { return options.*member; }
        std::string operator()(std::vector<std::string> Options::*member) const {
            return fmt::format("{}", fmt::join(options.*member, ", "));
        }
        std::string operator()(std::uint64_t Options::*member) const {
            return lib::size_text(options.*member);
        }
        std::string operator()(std::chrono::milliseconds Options::*member) const {
            return duration_text(options.*member);
        }
        std::string operator()(Shape) const {
            const auto found = options.reported.find(option.key);
            return found == options.reported.end() ? std::string() : found->second;
        }
    };
    return std::visit(Text{option, options}, option.target);
}

void copy_value(const Option& option, const Options& from, Options& to) {
    std::visit(Copy{option, from, to}, option.target);
}

Options default_options() {
    Options options;
    for (const auto& option : option_table()) {
        [[maybe_unused]] const auto stored = assign(option, option.initial, options);
        assert(stored.has_value());
    }
    return options;
}

}  // namespace twincached::app
