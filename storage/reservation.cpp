#include "storage/reservation.hpp"

#include <sys/mman.h>

#include <algorithm>
#include <new>

namespace twincached::storage {

namespace {

// Fewer, larger steps of mprotect; memory is used only where it is written.
constexpr std::size_t commit_step_bytes = std::size_t{1} << 20;

}  // namespace

Reservation::Reservation(std::size_t bytes) : size_(round_up(bytes, page_bytes)) {
    void* mapping =
        ::mmap(nullptr, size_, PROT_NONE, MAP_PRIVATE | MAP_ANONYMOUS | MAP_NORESERVE, -1, 0);
    if (mapping == MAP_FAILED) throw std::bad_alloc();
    base_ = static_cast<char*>(mapping);
}

Reservation::~Reservation() {
    ::munmap(base_, size_);
}

bool Reservation::commit_to(std::size_t bytes) noexcept {
    if (bytes <= committed_) return true;
    if (bytes > size_) return false;
    const std::size_t end = std::min(size_, round_up(bytes, commit_step_bytes));
    if (::mprotect(base_ + committed_, end - committed_, PROT_READ | PROT_WRITE) != 0) return false;
    committed_ = end;
    return true;
}

void Reservation::give_back(std::size_t offset, std::size_t bytes) noexcept {
    const std::size_t begin = round_up(offset, page_bytes);
    const std::size_t end = (offset + bytes) / page_bytes * page_bytes;
    if (begin < end) ::madvise(base_ + begin, end - begin, MADV_DONTNEED);
}

}  // namespace twincached::storage
