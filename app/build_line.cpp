#include "app/build_line.hpp"

#include <fmt/format.h>

#include <string_view>

namespace twincached::app {
namespace {

// CMake names it to this file alone, so that a new commit compiles no other anew.
constexpr char commit[] = TWINCACHED_COMMIT;

#ifdef __clang__
constexpr std::string_view compiler = "clang++ " __clang_version__;
#else
constexpr std::string_view compiler = "g++ " __VERSION__;
#endif

#ifdef NDEBUG
constexpr std::string_view checks;
#else
constexpr std::string_view checks = ", with assertions";
#endif

}  // namespace

std::string build_line() {
    return fmt::format("built from {} by {}{}\n", commit[0] == '\0' ? "an unnamed commit" : commit,
                       compiler, checks);
}

}  // namespace twincached::app
