// What one who looks on has not taken yet of the events that are told to him. Bounded: whoever
// reads more slowly than things happen is to be dropped rather than waited for, since he gets the
// whole picture when he comes again. Owned by his connection; pure.
#pragma once

#include <cstddef>
#include <string>
#include <string_view>

namespace twincached::app {

class StreamOutput {
  public:
    // Bytes that may wait, beside those that are being written. A status with all histograms takes
    // some 20 KiB, the history at most 40.
    static constexpr std::size_t limit = 128 * 1024;

    // False: it would be more than the limit, and nothing was added.
    [[nodiscard]] bool add(std::string_view text);
    // All that waits, to be written now; empty: nothing waits, or the last has not been written.
    // Valid until on_written().
    std::string_view begin_write() noexcept;
    void on_written() noexcept;

  private:
    std::string waiting_;
    std::string written_;  // being written; empty: nothing is
};

}  // namespace twincached::app
