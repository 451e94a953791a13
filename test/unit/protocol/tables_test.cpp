// The tables of verbs and opcodes: rows that nothing else knows by name.
#include "protocol/binary/binary_verbs.hpp"
#include "protocol/meta/meta_verbs.hpp"
#include "protocol/reports/administration.hpp"
#include "protocol/text/classic_verbs.hpp"
#include "protocol/text/verbs.hpp"

#include <catch2/catch.hpp>

#include <set>
#include <string_view>

namespace twincached::protocol {

TEST_CASE("every row of every table of verbs is found by its name, and by no part of it") {
    std::set<std::string_view> names;
    for (const auto table : {classic_verbs(), meta_verbs(), administrative_verbs()}) {
        for (const auto& verb : table) {
            INFO(verb.name);
            CHECK(find_verb(verb.name) == &verb);
            CHECK(names.insert(verb.name).second);
            CHECK(verb.parse != nullptr);
            CHECK(verb.execute != nullptr);
        }
    }
    CHECK(find_verb("ge") == nullptr);
    CHECK(find_verb("getss") == nullptr);
    CHECK(find_verb("GET") == nullptr);
    CHECK(find_verb("") == nullptr);
}

TEST_CASE("a meta get changes something only if it is asked for a new expiry or a new item") {
    const auto changes = [](std::string_view line) {
        Command command;
        const Verb* verb = nullptr;
        REQUIRE(parse_line(line, verb, command) == Answer::none);
        return verb->changes(command);
    };
    CHECK_FALSE(changes("mg k v t s R30"));
    CHECK(changes("mg k v T30"));
    CHECK(changes("mg k v N30"));
}

TEST_CASE("every opcode's row says what is done, or belongs to the login") {
    unsigned known = 0;
    for (unsigned opcode = 0; opcode < 256; ++opcode) {
        const auto* shape = find_shape(static_cast<std::uint8_t>(opcode));
        if (shape == nullptr) continue;
        ++known;
        INFO("opcode " << opcode);
        CHECK(shape->opcode == opcode);
        const bool is_login = opcode == sasl_start_opcode || opcode == sasl_step_opcode;
        CHECK((shape->execute == nullptr) == is_login);
        CHECK((shape->access == BinaryAccess::login) == (is_login || opcode == 0x20));
        if (shape->effect == Effect::sets) CHECK(shape->has_value);
    }
    CHECK(known == 36);
}

TEST_CASE("a quiet opcode has the effect, and the shape, of its loud one") {
    constexpr std::pair<unsigned, unsigned> pairs[] = {
        {0x00, 0x09}, {0x0c, 0x0d}, {0x01, 0x11}, {0x02, 0x12}, {0x03, 0x13},
        {0x04, 0x14}, {0x05, 0x15}, {0x06, 0x16}, {0x07, 0x17}, {0x08, 0x18},
        {0x0e, 0x19}, {0x0f, 0x1a}, {0x1d, 0x1e}, {0x23, 0x24}};
    for (const auto& [loud_opcode, quiet_opcode] : pairs) {
        const auto& loud = *find_shape(static_cast<std::uint8_t>(loud_opcode));
        const auto& quiet = *find_shape(static_cast<std::uint8_t>(quiet_opcode));
        INFO("opcodes " << loud_opcode << " and " << quiet_opcode);
        CHECK_FALSE(loud.is_quiet);
        CHECK(quiet.is_quiet);
        CHECK(loud.execute == quiet.execute);
        CHECK(loud.effect == quiet.effect);
        CHECK(loud.extras == quiet.extras);
        CHECK(loud.key == quiet.key);
        CHECK(loud.has_value == quiet.has_value);
        CHECK(loud.returns_key == quiet.returns_key);
    }
}

}  // namespace twincached::protocol
