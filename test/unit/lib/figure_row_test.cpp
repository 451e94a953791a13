#include "lib/figure_row.hpp"

#include <catch2/catch.hpp>

#include <cstdint>
#include <string>

using namespace twincached;

namespace {

enum class Colour : std::uint8_t { red, blue };
std::string_view name_of(Colour colour) noexcept {
    return colour == Colour::red ? "red" : "blue";
}

enum class Seen : std::uint8_t { cats, dogs, count_ };

struct Garden {
    std::string owner = "nobody";
    Colour colour = Colour::blue;
};

struct Report {
    lib::Tally<Seen> seen{};
    std::int64_t height = -3;
    bool is_open = true;
    Garden garden{};
    std::uint64_t operator[](Seen name) const noexcept { return seen[name]; }
};

constexpr lib::FigureRow<Report> rows[] = {
    {lib::counter("dogs", "that came by"), lib::counted<Seen::dogs>},
    {lib::gauge("height", lib::Unit::bytes, "of the wall"), lib::member<&Report::height>},
    {lib::gauge("open", "whether it is"), lib::member<&Report::is_open>},
    {lib::text("owner", "whose it is"), lib::member<&Report::garden, &Garden::owner>,
     [](const Report& report) { return report.garden.owner != "nobody"; }},
    {lib::text("colour", "of the gate"), lib::member<&Report::garden, &Garden::colour>},
    {lib::counter("cats", "that came by"), lib::counted<Seen::cats>},
};
static_assert(lib::without_row<Seen>(rows) == 0);

constexpr lib::FigureRow<Report> one_is_missing[] = {
    {lib::counter("dogs", "that came by"), lib::counted<Seen::dogs>},
};
static_assert(lib::without_row<Seen>(one_is_missing) == 1);

constexpr lib::FigureRow<Report> one_stands_twice[] = {
    {lib::counter("dogs", "that came by"), lib::counted<Seen::dogs>},
    {lib::counter("cats", "that came by"), lib::counted<Seen::cats>},
    {lib::counter("more_dogs", "that came by"), lib::counted<Seen::dogs>},
};
static_assert(lib::without_row<Seen>(one_stands_twice) == 1);

std::string told(const Report& report) {
    std::string text;
    lib::visit_figures(rows, report, [&](const lib::Figure& figure, std::string_view value) {
        text.append(figure.name).append("=").append(value).append(" ");
    });
    return text;
}

}  // namespace

TEST_CASE("a row tells a counter, a member or a member's member in the order of the rows") {
    Report report;
    report.garden.owner = "the cat";
    report.seen.add(Seen::cats, 7);
    CHECK(told(report) == "dogs=0 height=-3 open=1 owner=the cat colour=blue cats=7 ");
}

TEST_CASE("a figure that this server does not tell is left out") {
    CHECK(told(Report{}) == "dogs=0 height=-3 open=1 colour=blue cats=0 ");
}

TEST_CASE("sums hold what the counters of several threads had come to") {
    lib::Counters<Seen> one;
    lib::Counters<Seen> other;
    one.add(Seen::dogs, 3);
    other.add(Seen::dogs);
    other.add(Seen::cats, 5);
    lib::Tally<Seen> sums;
    sums.add(one);
    sums.add(other);
    one.add(Seen::dogs, 100);
    CHECK(sums[Seen::dogs] == 4);
    CHECK(sums[Seen::cats] == 5);
}
