#include "protocol/words.hpp"

#include "lib/random.hpp"

#include <catch2/catch.hpp>

#include <string>

using namespace twincached;
using protocol::has_word_longer_than;
using protocol::Words;

TEST_CASE(
    "a word that is too long is found wherever it stands, and no shorter one is taken for it") {
    const std::string most(250, 'k');
    CHECK_FALSE(has_word_longer_than("", 250));
    CHECK_FALSE(has_word_longer_than(most, 250));
    CHECK_FALSE(has_word_longer_than(most + " " + most + "  " + most, 250));
    CHECK(has_word_longer_than(most + "k", 250));
    CHECK(has_word_longer_than("a " + most + "k", 250));
    CHECK(has_word_longer_than(most + "k b", 250));
    CHECK(has_word_longer_than(most + " " + most + "k " + most, 250));
    CHECK_FALSE(has_word_longer_than(std::string(1000, ' '), 250));
}

TEST_CASE("whether a word is too long is what looking at each of them says") {
    lib::Random random(7);
    for (int round = 0; round < 2000; ++round) {
        std::string line;
        for (auto size = random.below(120); size > 0; --size)
            line += random.one_in(5) ? ' ' : 'k';
        bool found = false;
        Words words(line);
        for (auto word = words.next(); !word.empty(); word = words.next())
            found |= word.size() > 8;
        CAPTURE(line);
        REQUIRE(has_word_longer_than(line, 8) == found);
    }
}
