#include "protocol/base64.hpp"

#include "lib/random.hpp"

#include <catch2/catch.hpp>

#include <string>

namespace twincached::protocol {

namespace {

std::string encode(std::string_view bytes) {
    std::string text(base64_size(bytes.size()), '?');
    CHECK(put_base64(text.data(), bytes) == text.data() + text.size());
    return text;
}

std::optional<std::string> decode(std::string_view text, std::size_t room = 250) {
    std::string bytes(room, '?');
    const auto size = decode_base64(text, bytes);
    if (!size) return std::nullopt;
    return bytes.substr(0, *size);
}

}  // namespace

TEST_CASE("base64 is that of RFC 4648") {
    CHECK(encode("") == "");
    CHECK(encode("f") == "Zg==");
    CHECK(encode("fo") == "Zm8=");
    CHECK(encode("foo") == "Zm9v");
    CHECK(encode("foobar") == "Zm9vYmFy");
    CHECK(encode("\xff\xfe\xfd") == "//79");
}

TEST_CASE("what was encoded is decoded") {
    lib::Random random(7);
    for (std::size_t size = 1; size <= 250; ++size) {
        std::string bytes(size, '\0');
        for (auto& byte : bytes)
            byte = static_cast<char>(random.next());
        CHECK(decode(encode(bytes)) == bytes);
    }
}

TEST_CASE("text that is not base64 is refused") {
    for (const std::string_view text : {"", "a", "ab", "abc", "!!!!", "Zm9", "Zm=v", "=m9v",
                                        "Z===", "====", "Zm9v ", "Zm9vZg==Zg=="}) {
        INFO(text);
        CHECK_FALSE(decode(text));
    }
}

TEST_CASE("base64 that does not fit is refused") {
    CHECK(decode("Zm9v", 3) == "foo");
    CHECK_FALSE(decode("Zm9v", 2));
}

}  // namespace twincached::protocol
