// What a fuzzer holds to be right: where it does not hold, the input is a finding.
#pragma once

#include <cstdio>
#include <cstdlib>
#include <string_view>

inline void demand(bool holds, const char* what, std::string_view about = {}) {
    if (holds) return;
    std::fprintf(stderr, "does not hold: %s%s%.*s\n", what, about.empty() ? "" : ": ",
                 static_cast<int>(about.size()), about.data());
    std::abort();
}
