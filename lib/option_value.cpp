#include "lib/option_value.hpp"

#include "lib/durations.hpp"
#include "lib/numbers.hpp"
#include "lib/sizes.hpp"

#include <algorithm>
#include <cassert>
#include <charconv>
#include <cmath>
#include <cstddef>
#include <optional>
#include <vector>

namespace twincached::lib {
namespace {

std::string_view trimmed(std::string_view text) noexcept {
    const auto first = text.find_first_not_of(" \t");
    if (first == std::string_view::npos) return {};
    return text.substr(first, text.find_last_not_of(" \t") - first + 1);
}

// Cuts what stands before the separator off `rest`.
std::string_view next_of(std::string_view& rest, char separator) noexcept {
    const auto end = rest.find(separator);
    const auto first = rest.substr(0, end);
    rest.remove_prefix(end == std::string_view::npos ? rest.size() : end + 1);
    return first;
}

std::string yes_or_no(bool value) {
    return value ? "yes" : "no";
}

// The shortest text that is read back as the same number; whole ones without an exponent.
std::string decimal_text(double value) {
    constexpr double exact = 1e15;
    if (std::trunc(value) == value && std::abs(value) < exact) {
        return std::to_string(static_cast<std::int64_t>(value));
    }
    char buffer[32];
    const auto end = std::to_chars(std::begin(buffer), std::end(buffer), value).ptr;
    return {std::begin(buffer), end};
}

// One row's rules. Every function gives the value, or a sentence.
class Rules {
  public:
    Rules(const OptionRow& row, std::string_view text, OptionFace face)
        : row_(row),
          text_(text),
          face_(face),
          unit_(face == OptionFace::command_line ? row.plain_unit : 0) {}

    // What people write in other configuration files, too.
    Parsed<bool> flag() const {
        for (const auto yes : {"yes", "true", "on", "1"}) {
            if (text_ == yes) return true;
        }
        for (const auto no : {"no", "false", "off", "0"}) {
            if (text_ == no) return false;
        }
        return name() + " must be yes or no, not '" + std::string(text_) + "'";
    }

    template <class Number>
    Parsed<Number> number() const {
        Number value{};
        const auto [end, error] = std::from_chars(text_.data(), text_.data() + text_.size(), value);
        if (error == std::errc::result_out_of_range) {
            // Checked wide: a number beyond all types is out of range, not "no number".
            const bool negative = text_.starts_with('-');
            const auto far = negative ? -std::numeric_limits<double>::infinity() : 1e308;
            const auto ranged = check_range(far);
            if (ranged.has_error()) return ranged.error();
        }
        if (error != std::errc{} || end != text_.data() + text_.size()) {
            return name() + " must be a number, not '" + std::string(text_) + "'";
        }
        const auto ranged = check_range(static_cast<double>(value));
        if (ranged.has_error()) return ranged.error();
        return value;
    }

    // In bytes. A plain number has the unit of memcached's flag, on the command line alone: in a
    // file 64 could be anything.
    Parsed<std::uint64_t> bytes() const {
        if (lacks_unit()) return needs_unit({"k", "m", "g"});
        return ranged(size(), [](std::uint64_t count) { return static_cast<double>(count); });
    }
    Parsed<std::chrono::milliseconds> duration() const {
        if (lacks_unit()) return needs_unit({"ms", "s", "m", "h"});
        return ranged(parse_duration(text_, unit_),
                      [](auto value) { return static_cast<double>(value.count()); });
    }

    // "one of b|c", or "one of b|c, or empty" where nothing is the first choice.
    std::string choices() const {
        const bool may_be_empty = row_.choices.starts_with('|');
        const auto named = row_.choices.substr(may_be_empty ? 1 : 0);
        return "one of " + std::string(named) + (may_be_empty ? ", or empty" : "");
    }

    // Which of the choices; 0 where there are none.
    Parsed<std::size_t> choice() const {
        if (row_.choices.empty()) return 0;
        std::size_t number = 0;
        for (auto rest = row_.choices;; ++number) {
            const bool is_last = rest.find('|') == std::string_view::npos;
            if (next_of(rest, '|') == text_) return number;
            if (is_last) break;
        }
        if (!row_.out_of_range.empty()) return own_words();
        return name() + " must be " + choices() + ", not '" + std::string(text_) + "'";
    }

  private:
    // 0 is 0 in every unit.
    bool lacks_unit() const noexcept {
        return unit_ == 0 && parse_number<std::uint64_t>(text_).value_or(0) != 0;
    }

    // The unit that was likely meant is the first that makes a value in range of it: the default's,
    // or another. Who writes a plain time counts seconds, as memcached does, unless all is about
    // milliseconds.
    std::string needs_unit(std::vector<std::string_view> known) const {
        auto likely = row_.initial;
        likely.remove_prefix(std::min(likely.size(), likely.find_first_not_of("0123456789")));
        if (row_.fills.kind == OptionKind::duration && likely != "ms") likely = "s";
        auto text = name();
        text.append(": '")
            .append(text_)
            .append("' needs a unit (")
            .append(joined(known))
            .append(")");
        if (!likely.empty()) known.insert(known.begin(), likely);
        for (const auto unit : known) {
            const auto meant = std::string(text_).append(unit);
            if (is_in_range(meant)) return text.append("; was ").append(meant).append(" meant?");
        }
        return text;
    }

    static std::string joined(const std::vector<std::string_view>& known) {
        std::string text;
        for (const auto unit : known) {
            if (!text.empty()) text += unit == known.back() ? " or " : ", ";
            text += unit;
        }
        return text;
    }

    bool is_in_range(std::string_view text) const {
        const auto in_range = [&](double value) {
            return value >= row_.least && value <= row_.most;
        };
        if (row_.fills.kind == OptionKind::bytes) {
            const auto size = parse_size(text);
            return !size.has_error() && *size <= most_bytes && in_range(static_cast<double>(*size));
        }
        const auto duration = parse_duration(text);
        return !duration.has_error() && in_range(static_cast<double>(duration->count()));
    }

    static constexpr std::uint64_t most_bytes = std::uint64_t{1} << 44;

    // No machine has more. Where a plain number counts MiB, what lies above was meant as bytes.
    Parsed<std::uint64_t> size() const {
        auto size = parse_size(text_, unit_);
        const auto plain = parse_number<std::uint64_t>(text_);
        if (plain && unit_ > 1 && *plain > most_bytes / unit_) {
            const std::string written(text_);
            return written + " counts " + (unit_ == 1024 ? "KiB" : "MiB") +
                   " here, which is more than any machine has; for " + written + " bytes write " +
                   size_text(*plain);
        }
        if (!size.has_error() && *size > most_bytes)
            return "'" + std::string(text_) + "' is more than any machine has";
        return size;
    }

    // The option as it was written.
    std::string name() const {
        if (face_ == OptionFace::file) return std::string(row_.key);
        if (!row_.flag.empty()) return std::string(row_.flag);
        return std::string(row_.word.empty() ? row_.key : row_.word);
    }

    // memcached's words, the value in place of {}.
    std::string own_words() const {
        std::string words(row_.out_of_range);
        const auto place = words.find("{}");
        if (place != std::string::npos) words.replace(place, 2, text_);
        return words;
    }

    bool has_words_for(OptionEnd end) const noexcept {
        if (row_.out_of_range.empty()) return false;
        return row_.out_of_range_end == OptionEnd::both || row_.out_of_range_end == end;
    }

    // A limit as the operator would write it, so that it can be copied from the error.
    std::string bound_text(double bound) const {
        if (row_.fills.kind == OptionKind::bytes) {
            return size_text(static_cast<std::uint64_t>(bound));
        }
        if (row_.fills.kind == OptionKind::duration) {
            return duration_text(std::chrono::milliseconds(static_cast<std::int64_t>(bound)));
        }
        return decimal_text(bound);  // which alone may be negative
    }

    // Every kind of number is compared as a double: what a limit is precise to is far below 2^53.
    Parsed<void> check_range(double value) const {
        if (value >= row_.least && value <= row_.most) return {};
        if (has_words_for(value < row_.least ? OptionEnd::low : OptionEnd::high))
            return own_words();
        const auto end = ", not '" + std::string(text_) + "'";
        if (row_.most == std::numeric_limits<double>::infinity()) {
            return name() + " must be at least " + bound_text(row_.least) + end;
        }
        return name() + " must be between " + bound_text(row_.least) + " and " +
               bound_text(row_.most) + end;
    }

    template <class Value, class Measure>
    Parsed<Value> ranged(const Parsed<Value>& value, Measure measure) const {
        if (value.has_error()) return name() + ": " + value.error();
        const auto checked = check_range(measure(*value));
        if (checked.has_error()) return checked.error();
        return *value;
    }

    const OptionRow& row_;
    std::string_view text_;
    OptionFace face_;
    std::uint64_t unit_;  // of a plain number; 0: it has none
};

template <class Alternative, class Value>
Parsed<OptionValue> as(const Parsed<Value>& value) {
    if (value.has_error()) return Parsed<OptionValue>(boost::system::in_place_error, value.error());
    return Parsed<OptionValue>(boost::system::in_place_value, Alternative{*value});
}

// Blanks around an entry and empty entries are nothing: "a, b," is two.
std::vector<std::string> entries_of(std::string_view text) {
    std::vector<std::string> entries;
    while (!text.empty()) {
        const auto entry = trimmed(next_of(text, ','));
        if (!entry.empty()) entries.emplace_back(entry);
    }
    return entries;
}

// The value that the text says.
Parsed<OptionValue> parse(const OptionRow& row, std::string_view text, OptionFace face) {
    const Rules rules(row, text, face);
    switch (row.fills.kind) {
        case OptionKind::flag:
            return as<bool>(rules.flag());
        case OptionKind::number:
            return as<std::int64_t>(rules.number<std::int64_t>());
        case OptionKind::decimal:
            return as<double>(rules.number<double>());
        case OptionKind::list:
            return OptionValue(entries_of(text));
        case OptionKind::bytes:
            return as<OptionBytes>(rules.bytes());
        case OptionKind::duration:
            return as<std::chrono::milliseconds>(rules.duration());
        case OptionKind::choice:
            return as<OptionChoice>(rules.choice());
        case OptionKind::text:
            break;
    }
    const auto choice = rules.choice();
    if (choice.has_error()) return as<OptionChoice>(choice);
    return OptionValue(std::string(text));
}

// A list as one line; the separator stands between entries, not behind the last.
std::string joined(const std::vector<std::string>& entries, std::string_view separator) {
    std::string text;
    for (const auto& entry : entries) {
        if (!text.empty()) text += separator;
        text += entry;
    }
    return text;
}

// REQUIRES: the row has that many choices; a struct is only ever filled from its own row.
std::string choice_text(const OptionRow& row, OptionChoice choice) {
    auto rest = row.choices;
    while (choice.number-- > 0)
        next_of(rest, '|');
    return std::string(next_of(rest, '|'));
}

// How a value is written: as people write it, or plainly.
struct Text {
    const OptionRow& row;
    bool is_plain;

    std::string operator()(bool value) const { return yes_or_no(value); }
    std::string operator()(std::int64_t value) const { return std::to_string(value); }
    std::string operator()(double value) const { return decimal_text(value); }
    std::string operator()(const std::string& value) const { return value; }
    std::string operator()(const std::vector<std::string>& value) const {
        return joined(value, is_plain ? "," : ", ");
    }
    std::string operator()(OptionBytes value) const {
        return is_plain ? std::to_string(value.count) : size_text(value.count);
    }
    std::string operator()(std::chrono::milliseconds value) const {
        if (!is_plain) return duration_text(value);
        return std::to_string(std::chrono::duration_cast<std::chrono::seconds>(value).count());
    }
    std::string operator()(OptionChoice value) const { return choice_text(row, value); }
};

// A row that fills no struct keeps what was written.
std::string text_of(const OptionRow& row, const OptionStructs& structs, bool is_plain) {
    if (row.fills.owner == nullptr) return std::string(structs.written(row.key));
    return std::visit(Text{row, is_plain}, structs.value(row));
}

// Lists grow.
OptionValue appended(const OptionRow& row, OptionValue value, const OptionStructs& structs) {
    auto all = std::get<std::vector<std::string>>(structs.value(row));
    for (auto& entry : std::get<std::vector<std::string>>(value))
        all.push_back(std::move(entry));
    return all;
}

}  // namespace

Parsed<void> assign(const OptionRow& row, std::string_view text, OptionStructs& structs,
                    OptionFace face) {
    text = trimmed(text);
    auto value = parse(row, text, face);
    if (value.has_error()) return value.error();
    if (row.fills.owner == nullptr) {
        const auto* flag = std::get_if<bool>(&*value);
        structs.write(row.key, flag != nullptr ? yes_or_no(*flag) : text);
    } else if (row.fills.kind == OptionKind::list) {
        structs.set(row, appended(row, std::move(*value), structs));
    } else {
        structs.set(row, *value);
    }
    return {};
}

Parsed<void> assign_bare(const OptionRow& row, OptionStructs& structs) {
    assert(row.bare);
    if (row.fills.kind != OptionKind::number) {
        return assign(row, yes_or_no(row.bare_value), structs);
    }
    if (row.fills.owner == nullptr) return assign(row, "1", structs);
    const auto next = std::get<std::int64_t>(structs.value(row)) + 1;
    return assign(row, std::to_string(next), structs);
}

void clear_list(const OptionRow& row, OptionStructs& structs) {
    structs.set(row, std::vector<std::string>());
}

std::string value_text(const OptionRow& row, const OptionStructs& structs) {
    return text_of(row, structs, false);
}

std::string plain_text(const OptionRow& row, const OptionStructs& structs) {
    return text_of(row, structs, true);
}

void copy_value(const OptionRow& row, const OptionStructs& from, OptionStructs& to) {
    if (row.fills.owner == nullptr) return to.write(row.key, from.written(row.key));
    to.set(row, from.value(row));
}

OptionStructs option_defaults(std::span<const OptionRow> rows) {
    OptionStructs structs;
    for (const auto& row : rows) {
        if (row.fills.kind == OptionKind::list) clear_list(row, structs);
        [[maybe_unused]] const auto stored = assign(row, row.initial, structs);
        assert(stored.has_value());
    }
    return structs;
}

}  // namespace twincached::lib
