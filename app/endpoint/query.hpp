// What stands behind the '?' of a request: "prefix=user%3A&limit=10". Values are percent-encoded
// (RFC 3986); '+' is itself. Owned by the page that is made.
#pragma once

#include <optional>
#include <string>
#include <string_view>
#include <vector>

namespace twincached::app {

class Query {
  public:
    explicit Query(std::string_view text) noexcept : text_(text) {}

    // The value of that name, decoded; none if it is not there, or no encoding of anything.
    std::optional<std::string> value(std::string_view name);
    // After all values were asked for: a sentence if there is a name that nobody asked for, stands
    // twice, or has no value that can be read; else empty.
    std::string problem() const;

  private:
    std::string_view text_;
    std::vector<std::string_view> known_;
};

// "%41" is "A". None if a '%' has no two hexadecimal digits behind it.
std::optional<std::string> percent_decoded(std::string_view text);

}  // namespace twincached::app
