#include "protocol/reports/figure_sheet.hpp"

#include <catch2/catch.hpp>

#include <string>
#include <string_view>

namespace twincached::protocol::test {

namespace {

using Absent = FigureSheet::Absent;

constexpr std::string_view order[] = {"old", "unknown", "new"};

// Collects what it is told as "name=value ".
struct Listener {
    std::string heard;
    void operator()(std::string_view name, std::string_view value) {
        heard.append(name).append("=").append(value).append(" ");
    }
};

FigureSheet three_noted() {
    FigureSheet sheet;
    sheet.note("new", "1");
    sheet.note("ours", "two");
    sheet.note("old", "3");
    return sheet;
}

}  // namespace

TEST_CASE("figures are told in the order asked for, whatever the order in which they were noted") {
    auto sheet = three_noted();
    Listener listener;
    sheet.tell(order, Absent::left_out, listener);
    CHECK(listener.heard == "old=3 new=1 ");
}

TEST_CASE("a name that nobody has noted is told as zero, if that is asked for") {
    auto sheet = three_noted();
    Listener listener;
    sheet.tell(order, Absent::as_zero, listener);
    CHECK(listener.heard == "old=3 unknown=0 new=1 ");
}

TEST_CASE("what no order names is told last, and nothing is told twice") {
    auto sheet = three_noted();
    Listener listener;
    sheet.tell(order, Absent::left_out, listener);
    sheet.note("late", "4");
    sheet.tell_rest(listener);
    sheet.tell_rest(listener);
    CHECK(listener.heard == "old=3 new=1 ours=two late=4 ");
}

}  // namespace twincached::protocol::test
