// A range of address space that is reserved at once and filled with memory step by step, so that
// what lies in it never moves and the resident size follows the use. Not thread-safe; owned by
// one arena, index or table.
//
//    [ usable: committed ........................ | reserved: no memory, no access ............. ]
//      '-- written: resident --'  given back: '-'
//
// Memory that is to stay in RAM (-k) is locked as far as it is usable, in the way in which a page
// is locked when it is first written and not before: so locking costs no more memory than use does.
#pragma once

#include <cstddef>
#include <cstdint>

namespace twincached::storage {

inline constexpr std::size_t page_bytes = 4096;

// Huge: the system is asked for huge pages, and memory is made usable in steps of one. Whether
// there are any is the system's business.
enum class PageSize : std::uint8_t { usual, huge };

struct AddressSpace {
    std::size_t bytes = 0;
    PageSize pages = PageSize::usual;
    bool is_locked = false;  // must not be paged out, as far as the system allows that
};

class Reservation {
  public:
    // Throws std::bad_alloc if the address space is not to be had.
    explicit Reservation(const AddressSpace& space);
    // Would one of so many bytes be had at this moment? A limit of the process (ulimit -v), or what
    // the processor can address, may be in the way.
    static bool is_to_be_had(std::size_t bytes) noexcept;
    ~Reservation();
    Reservation(const Reservation&) = delete;
    Reservation& operator=(const Reservation&) = delete;

    char* base() const noexcept { return base_; }
    std::size_t size() const noexcept { return size_; }

    // Makes [0, bytes) usable; what was never written reads as zero. False if the reservation is
    // too small or the system refuses.
    [[nodiscard]] bool commit_to(std::size_t bytes) noexcept;
    // Has the system find memory for [offset, offset + bytes) now, all at once: to do so page by
    // page, when each is first written, takes twice as long. Needs Linux 5.14; harmless elsewhere.
    // REQUIRES: it is usable.
    void populate(std::size_t offset, std::size_t bytes) noexcept;
    // Gives the whole pages in [offset, offset + bytes) back to the system. They stay usable and
    // read as zero from now on.
    void give_back(std::size_t offset, std::size_t bytes) noexcept;

  private:
    void lock(std::size_t offset, std::size_t bytes) noexcept;

    char* base_ = nullptr;
    std::size_t size_ = 0;
    std::size_t step_ = 0;  // of committing
    char* mapping_ = nullptr;
    std::size_t mapped_ = 0;
    std::size_t committed_ = 0;
    bool is_locked_;
};

}  // namespace twincached::storage
