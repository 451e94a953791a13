// Puts answers into the output in the words of the text protocol: the only room that knows them.
// One per turn of a conversation; cheap to make. While it is quiet (noreply), fixed answers and
// numbers are swallowed; values, statistics and what is written raw are not.
#pragma once

#include "protocol/execution/answer.hpp"
#include "protocol/execution/output.hpp"
#include "protocol/observation/prefix_stats.hpp"
#include "storage/store.hpp"

#include <cstdint>
#include <optional>
#include <string_view>

namespace twincached::protocol {

// The line that stands for an answer, with its line end.
std::string_view text_of(Answer answer) noexcept;

class AnswerWriter {
  public:
    // `store` is asked to pin large values. Both must outlive it.
    AnswerWriter(Output& output, storage::Store& store) noexcept : output_(output), store_(store) {}

    void set_quiet(bool quiet) noexcept { quiet_ = quiet; }
    Output& output() noexcept { return output_; }

    void write(Answer answer) {
        if (!quiet_) output_.append(text_of(answer));
    }
    void number(std::uint64_t number);
    void version(std::string_view version);

    // VALUE <key> <flags> <bytes> [<cas>] + data. REQUIRES: called from a visitor of the store.
    void value(const storage::ItemView& item, std::optional<std::uint64_t> cas);

    void stat(std::string_view key, std::string_view value);
    void stat(std::string_view key, std::uint64_t value);

    // What `stats detail dump` lists, with its END.
    void prefixes(const PrefixStats& stats);

    // Copies small data and pins large, then ends the line. REQUIRES: as for value().
    void data(const storage::ItemView& item);
    void raw(std::string_view bytes) { output_.append(bytes); }

  private:
    void prefix(std::string_view prefix, const PrefixStats::Counts& counts);

    Output& output_;
    storage::Store& store_;
    bool quiet_ = false;
};

}  // namespace twincached::protocol
