#include "app/options/suggestion.hpp"

#include <catch2/catch.hpp>

#include <array>

namespace twincached::app {

TEST_CASE("the distance of two words counts swaps of neighbours as one") {
    CHECK(edit_distance("listen", "listen") == 0);
    CHECK(edit_distance("lisetn", "listen") == 1);
    CHECK(edit_distance("listn", "listen") == 1);
    CHECK(edit_distance("", "abc") == 3);
}

TEST_CASE("a near name is suggested and a far one is not") {
    constexpr std::array<std::string_view, 3> names{"threads", "listen", "port"};
    CHECK(suggestion("thread", names) == " (did you mean 'threads'?)");
    CHECK(suggestion("prot", names) == " (did you mean 'port'?)");
    CHECK(suggestion("backlog", names).empty());
}

}  // namespace twincached::app
