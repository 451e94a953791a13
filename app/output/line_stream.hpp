// Lines to a descriptor, of which nobody knows who takes them: a file on a disk that is full, a
// terminal that somebody has stopped, a pipe or the journal whose reader hangs. None is waited for,
// since the thread that logs may be the one that keeps the peer. Owned by a sink of the log, under
// its mutex.
#pragma once

#include <cstddef>
#include <cstdint>
#include <string_view>

namespace twincached::app {

class LineStream {
  public:
    // Closes it in the end.
    explicit LineStream(int descriptor) noexcept;
    ~LineStream();
    LineStream(const LineStream&) = delete;
    LineStream& operator=(const LineStream&) = delete;

    // Leaves the one that it had, for the same file or another. Closes it in the end.
    void go_on_in(int descriptor) noexcept;
    // A line with its end. False: it is lost, or a part of it, and errno says why; EAGAIN where
    // nobody takes it. What comes next begins a line of its own all the same.
    bool write(std::string_view line) noexcept;

  private:
    enum class Way : std::uint8_t { waits_for_nobody, socket, asks_first };

    static Way way_to(int descriptor) noexcept;
    // How many bytes of it were taken.
    std::size_t put(std::string_view bytes) noexcept;
    std::ptrdiff_t put_some(std::string_view bytes) const noexcept;

    int descriptor_;
    Way way_;
    bool is_cut_ = false;  // the last line stands there in part
};

// Another descriptor for what this one leads to, which waits for nobody if that may be: the flags
// of this one, which other processes share, stay as they are. The caller's to close.
int descriptor_beside(int descriptor) noexcept;

}  // namespace twincached::app
