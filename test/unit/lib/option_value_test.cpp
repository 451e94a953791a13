#include "lib/option_value.hpp"

#include "lib/durations.hpp"

#include <catch2/catch.hpp>

#include <array>
#include <string>
#include <vector>

namespace twincached::lib {
namespace {

using std::chrono::milliseconds;

enum class Colour : std::uint8_t { red, green, blue };

struct Paint {
    bool glossy{};
    std::uint16_t coats{};
    double thickness{};
    std::string name;
    std::vector<std::string> rooms;
    std::uint64_t can{};
    milliseconds drying{};
    Colour colour{};
};
// The rows of two modules meet in one table.
struct Ladder {
    int rungs{};
};

constexpr std::array rows = {
    OptionRow{.section = "paint",
              .key = "glossy",
              .fills = fills<&Paint::glossy>,
              .initial = "yes",
              .bare = true,
              .bare_value = false,
              .help = "h"},
    OptionRow{.section = "paint",
              .key = "coats",
              .fills = fills<&Paint::coats>,
              .initial = "2",
              .least = 1,
              .most = 9,
              .bare = true,
              .help = "h"},
    OptionRow{.section = "paint",
              .key = "thickness",
              .fills = fills<&Paint::thickness>,
              .initial = "0.25",
              .help = "h"},
    OptionRow{.section = "paint",
              .key = "name",
              .fills = fills<&Paint::name>,
              .initial = "",
              .help = "h"},
    OptionRow{.section = "paint",
              .key = "rooms",
              .fills = fills<&Paint::rooms>,
              .initial = "hall",
              .help = "h"},
    OptionRow{.section = "paint",
              .key = "can",
              .fills = fills_bytes<&Paint::can>,
              .initial = "2k",
              .most = 1 << 30,
              .plain_unit = 1024,
              .help = "h"},
    OptionRow{.section = "paint",
              .key = "drying",
              .fills = fills<&Paint::drying>,
              .initial = "90s",
              .least = 1000,
              .plain_unit = 1000,
              .help = "h"},
    OptionRow{.section = "paint",
              .key = "colour",
              .fills = fills<&Paint::colour>,
              .initial = "green",
              .choices = "red|green|blue",
              .help = "h"},
    OptionRow{.section = "ladder",
              .key = "rungs",
              .fills = fills<&Ladder::rungs>,
              .initial = "12",
              .least = -1,
              .help = "h"},
    OptionRow{.section = "old",
              .key = "lead",
              .fills = fills_nothing(OptionKind::decimal),
              .initial = "0.80",
              .most = 1,
              .out_of_range = "no paint has {} lead",
              .help = "h"},
};

const OptionRow& row(std::string_view key) {
    return *std::find_if(rows.begin(), rows.end(), [&](const auto& r) { return r.key == key; });
}

std::string error_of(std::string_view key, std::string_view text) {
    auto structs = option_defaults(rows);
    const auto before = value_text(row(key), structs);
    const auto stored = assign(row(key), text, structs);
    REQUIRE(stored.has_error());
    CHECK(value_text(row(key), structs) == before);
    return stored.error();
}

}  // namespace

TEST_CASE("rows fill the structs of their modules with their defaults") {
    const auto structs = option_defaults(rows);
    const auto& paint = structs.get<Paint>();
    CHECK(paint.glossy);
    CHECK(paint.coats == 2);
    CHECK(paint.thickness == 0.25);
    CHECK(paint.name.empty());
    CHECK(paint.rooms == std::vector<std::string>{"hall"});
    CHECK(paint.can == 2048);
    CHECK(paint.drying == milliseconds(90'000));
    CHECK(paint.colour == Colour::green);
    CHECK(structs.get<Ladder>().rungs == 12);
    CHECK(structs.written("lead") == "0.80");
    CHECK(option_defaults<Ladder>(rows).rungs == 12);
}

TEST_CASE("a value is written as it would be read, and plainly for statistics") {
    auto structs = option_defaults(rows);
    REQUIRE(assign(row("rooms"), " kitchen , cellar,", structs).has_value());
    const std::pair<const char*, std::array<const char*, 2>> expected[] = {
        {"glossy", {"yes", "yes"}},
        {"coats", {"2", "2"}},
        {"thickness", {"0.25", "0.25"}},
        {"name", {"", ""}},
        {"rooms", {"hall, kitchen, cellar", "hall,kitchen,cellar"}},
        {"can", {"2k", "2048"}},
        {"drying", {"90s", "90"}},
        {"colour", {"green", "green"}},
        {"lead", {"0.80", "0.80"}}};
    for (const auto& [key, texts] : expected) {
        INFO(key);
        CHECK(value_text(row(key), structs) == texts[0]);
        CHECK(plain_text(row(key), structs) == texts[1]);
    }
}

TEST_CASE("a flag without argument says what its row says, and a number is counted up") {
    auto structs = option_defaults(rows);
    REQUIRE(assign_bare(row("glossy"), structs).has_value());
    REQUIRE(assign_bare(row("coats"), structs).has_value());
    CHECK_FALSE(structs.get<Paint>().glossy);
    CHECK(structs.get<Paint>().coats == 3);
}

TEST_CASE("a value that breaks its row's rules is refused with a sentence and changes nothing") {
    CHECK(error_of("glossy", "maybe") == "glossy must be yes or no, not 'maybe'");
    CHECK(error_of("coats", "0") == "coats must be between 1 and 9, not '0'");
    CHECK(error_of("coats", "99999999999999999999") ==
          "coats must be between 1 and 9, not '99999999999999999999'");
    CHECK(error_of("coats", "two") == "coats must be a number, not 'two'");
    CHECK(error_of("rungs", "-2") == "rungs must be at least -1, not '-2'");
    CHECK(error_of("can", "2g") == "can must be between 0 and 1g, not '2g'");
    CHECK(error_of("can", "x") == "can: 'x' is not a size such as 512k, 64m or 2g");
    CHECK(error_of("drying", "5ms") == "drying must be at least 1s, not '5ms'");
    CHECK(error_of("colour", "pink") == "colour must be one of red|green|blue, not 'pink'");
    CHECK(error_of("lead", "1.5") == "no paint has 1.5 lead");
}

TEST_CASE("a size or a duration needs a unit, and the likely one is named") {
    CHECK(error_of("can", "3") == "can: '3' needs a unit (k, m or g); was 3k meant?");
    CHECK(error_of("can", "1048577") == "can: '1048577' needs a unit (k, m or g)");
    CHECK(error_of("drying", "5") == "drying: '5' needs a unit (ms, s, m or h); was 5s meant?");
    auto structs = option_defaults(rows);
    CHECK(assign(row("can"), "0", structs).has_value());  // of which there is none, as of nothing
    CHECK(assign(row("can"), "1b", structs).has_value());
}

TEST_CASE("where plain numbers count, they count in the row's unit") {
    auto structs = option_defaults(rows);
    REQUIRE(assign(row("can"), "3", structs, OptionFace::command_line).has_value());
    REQUIRE(assign(row("drying"), "5", structs, OptionFace::command_line).has_value());
    CHECK(structs.get<Paint>().can == 3 * 1024);
    CHECK(structs.get<Paint>().drying == milliseconds(5000));
    const OptionRow without_unit{.section = "paint",
                                 .key = "drying",
                                 .fills = fills<&Paint::drying>,
                                 .initial = "50ms",
                                 .help = "h"};
    const auto refused = assign(without_unit, "70", structs, OptionFace::command_line);
    REQUIRE(refused.has_error());
    CHECK(refused.error() == "drying: '70' needs a unit (ms, s, m or h); was 70ms meant?");
}

TEST_CASE("structs are values: a copy does not see what the original is given") {
    auto structs = option_defaults(rows);
    const auto copy = structs;
    REQUIRE(assign(row("name"), "ochre", structs).has_value());
    CHECK(copy.get<Paint>().name.empty());
    auto third = copy;
    copy_value(row("name"), structs, third);
    CHECK(third.get<Paint>().name == "ochre");
}

TEST_CASE("durations are read in their units and written in the largest exact one") {
    CHECK(*parse_duration("200ms") == milliseconds(200));
    CHECK(*parse_duration("3s") == milliseconds(3000));
    CHECK(*parse_duration("7", 1000) == milliseconds(7000));
    CHECK(*parse_duration("2d") == std::chrono::hours(48));
    for (const auto text :
         {"", "s", "3 s", "-1s", "3x", "99999999999999999999", "9999999999999999d"}) {
        INFO(text);
        CHECK(parse_duration(text).has_error());
    }
    CHECK(duration_text(milliseconds(0)) == "0");
    CHECK(duration_text(milliseconds(90'000)) == "90s");
    CHECK(duration_text(milliseconds(1500)) == "1500ms");
    CHECK(duration_text(std::chrono::hours(24)) == "24h");
}

}  // namespace twincached::lib
