#include "app/endpoint/entry/admin_access.hpp"

#include <catch2/catch.hpp>

#include <filesystem>
#include <fstream>
#include <string>

#include <unistd.h>

namespace twincached::app {
namespace {

const std::string first = "0123456789abcdef";
const std::string second = "fedcba9876543210";

class TokenFile {
  public:
    TokenFile() {
        const int file = ::mkstemp(path_.data());
        REQUIRE(file >= 0);
        ::close(file);
    }
    ~TokenFile() { std::filesystem::remove(path_); }
    void write(const std::string& content) const { std::ofstream(path_) << content; }
    const std::string& path() const { return path_; }
    std::string refusal() const {
        const auto read = read_tokens(path_);
        return read.has_error() ? read.error() : "";
    }

  private:
    std::string path_ = "/tmp/tokens-XXXXXX";
};

Trust trust(const AdminAccess& access, const std::string& token) {
    return access.trust_in("Bearer " + token);
}

}  // namespace

TEST_CASE("whoever shows one of the tokens of the file is the owner, and nobody else") {
    const TokenFile file;
    file.write(first + "\r\n\n" + second);
    Log log{LogOptions{0, "/dev/null", false, true}};
    const AdminAccess access(nullptr, *read_tokens(file.path()), log);
    CHECK(trust(access, first) == Trust::owner);
    CHECK(trust(access, second) == Trust::owner);
    CHECK(access.trust_in("bearer  " + first) == Trust::owner);
    for (const auto& other :
         {std::string(), first.substr(1), first + "0", first + " ", first + second}) {
        INFO(other);
        CHECK(trust(access, other) == Trust::refused);
    }
    CHECK(access.trust_in(first) == Trust::refused);
    CHECK(access.trust_in("Basic " + first) == Trust::refused);
    CHECK(access.trust_in("") == Trust::unproved);
}

TEST_CASE("a node without a token believes nobody, whatever is shown") {
    Log log{LogOptions{0, "/dev/null", false, true}};
    const AdminAccess access(nullptr, *read_tokens(""), log);
    for (const auto* shown : {"", "Bearer", "Bearer ", "Bearer 0123456789abcdef"})
        CHECK(access.trust_in(shown) == Trust::untold);
}

TEST_CASE("a token that could be guessed, or that no header can carry, is refused with its line") {
    const TokenFile file;
    file.write(first + "\n0123456789abcde\n");
    CHECK(file.refusal() ==
          "token-file: " + file.path() + ":2: a token has at least 16 characters");
    file.write("0123456789 abcdef\n");
    CHECK(file.refusal() ==
          "token-file: " + file.path() + ":1: a token has letters, digits and -._~+/= alone");
    file.write("\n\n");
    CHECK(file.refusal() == "token-file: there is no token in " + file.path());
    std::string many;
    for (int i = 0; i < 17; ++i)
        many += first + '\n';
    file.write(many);
    CHECK(file.refusal() == "token-file: " + file.path() + " has more than 16 tokens");
    CHECK(read_tokens("/does/not/exist").error() ==
          "token-file: cannot read a token from /does/not/exist: No such file or directory");
}

TEST_CASE("tokens are exchanged without a gap, and those in force stay if the file is lost") {
    const TokenFile file;
    file.write(first);
    Log log{LogOptions{0, "/dev/null", false, true}};
    EndpointOptions options;
    options.token_file = file.path();
    AdminAccess access(nullptr, *read_tokens(file.path()), log);
    file.write(second + '\n' + first);
    CHECK(access.renew(options).has_value());
    CHECK(trust(access, first) == Trust::owner);
    CHECK(trust(access, second) == Trust::owner);
    file.write(second);
    CHECK(access.renew(options).has_value());
    CHECK(trust(access, first) == Trust::refused);
    options.token_file = "/does/not/exist";
    CHECK(access.renew(options).has_error());
    CHECK(trust(access, second) == Trust::owner);
    options.token_file = "";
    CHECK(access.renew(options).has_value());
    CHECK(trust(access, second) == Trust::untold);
}

}  // namespace twincached::app
