#include "storage/stats.hpp"

#include <algorithm>

namespace twincached::storage {

ClassStats& ClassStats::operator+=(const ClassStats& other) noexcept {
    for (const auto& row : class_rows) {
        const auto theirs = other.*row.member;
        auto& ours = this->*row.member;
        ours = row.is_age ? std::max(ours, theirs) : ours + theirs;
    }
    return *this;
}

void StoreStats::total_up() noexcept {
    for (const ClassStats& of_class : classes)
        total += of_class;
}

}  // namespace twincached::storage
