#include "protocol/short_list.hpp"

#include <catch2/catch.hpp>

#include <string_view>

TEST_CASE("a short list holds what was added, in order, up to its capacity") {
    twincached::protocol::ShortList<std::string_view, 2> list;
    CHECK(list.empty());
    CHECK(list.all().empty());
    list.add("a");
    list.add("b");
    CHECK(list.size() == list.capacity());
    CHECK(list[0] == "a");
    CHECK(list.all()[1] == "b");
}
