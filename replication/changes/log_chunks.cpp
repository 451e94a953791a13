#include "replication/changes/log_chunks.hpp"

#include <algorithm>
#include <bit>
#include <new>
#include <utility>

namespace twincached::replication {
namespace {

// Besides the one in which nothing but the current tail lies.
constexpr std::size_t spare_limit = 4;

unsigned bits_for(std::size_t capacity_bytes) noexcept {
    const auto bits = static_cast<unsigned>(std::bit_width(capacity_bytes / 8));
    return std::clamp(bits, LogChunks::bits_min, LogChunks::bits_max);
}

}  // namespace

LogChunks::LogChunks(std::size_t capacity_bytes) : bits_(bits_for(capacity_bytes)) {
    chunks_.resize(std::bit_ceil((capacity_bytes >> bits_) + 3));
    spare_.reserve(spare_limit);
}

LogChunks::~LogChunks() {
    for (auto* chunk : chunks_)
        ::operator delete(chunk);
    for (auto* chunk : spare_)
        ::operator delete(chunk);
}

bool LogChunks::take(LogPosition begin) noexcept {
    const auto number = begin >> bits_;
    if (number - first_ >= chunks_.size()) return false;
    char* chunk = nullptr;
    if (!spare_.empty()) {
        chunk = spare_.back();
        spare_.pop_back();
    } else {
        chunk = static_cast<char*>(::operator new(size(), std::nothrow));
        if (chunk == nullptr) return false;
    }
    chunks_[number & (chunks_.size() - 1)] = chunk;
    return true;
}

void LogChunks::free_before(LogPosition position) noexcept {
    const auto keep = position >> bits_;
    for (; first_ < keep; ++first_) {
        char* chunk = std::exchange(chunks_[first_ & (chunks_.size() - 1)], nullptr);
        if (chunk == nullptr) continue;
        if (spare_.size() < spare_limit) {
            spare_.push_back(chunk);
        } else {
            ::operator delete(chunk);
        }
    }
}

}  // namespace twincached::replication
