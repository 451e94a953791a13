// What the link may hear from a repcached, or from whoever calls from its address: whatever comes,
// however cut. Beyond "it neither crashes nor leaks" these hold:
//
//     splits    the commands are the same whether the bytes come at once or in pieces
//     bounds    what must be kept until more comes is one value and one line at most
//     progress  each command takes bytes, and keys are such as the store takes
//     return    a command that was read, and may be sent, reads the same once it was written
#include "replication/pair/legacy/legacy_command.hpp"
#include "replication/pair/legacy/legacy_reader.hpp"
#include "storage/key.hpp"
#include "test/fuzz/demand.hpp"

#include <algorithm>
#include <cstddef>
#include <cstdint>
#include <string>
#include <string_view>

using namespace twincached;
using namespace twincached::replication::pair;

namespace {

constexpr std::size_t value_limit = 64;

std::string image_of(const LegacyCommand& command) {
    return std::to_string(static_cast<int>(command.verb)) + '|' + std::string(command.key) + '|' +
           std::string(command.value) + '|' + std::to_string(command.flags) + '|' +
           std::to_string(command.exptime) + '|' + std::to_string(command.cas) + '|' +
           std::to_string(static_cast<int>(command.is_too_large)) + '\n';
}

class Fed {
  public:
    void feed(std::string_view bytes) {
        kept_ += bytes;
        std::size_t taken = 0;
        while (!is_over_) {
            const auto read = reader_.read(std::string_view(kept_).substr(taken));
            taken += read.taken;
            demand(taken <= kept_.size(), "no more is taken than is there");
            if (read.status == LegacyReader::Status::need_more) break;
            is_over_ = read.status == LegacyReader::Status::malformed;
            if (is_over_) break;
            demand(read.taken > 0 || read.command.is_too_large, "a command takes bytes");
            take(read.command);
        }
        kept_.erase(0, taken);
        if (!is_over_)
            demand(kept_.size() <= value_limit + LegacyReader::line_limit + 2,
                   "what is kept is bounded");
    }
    const std::string& seen() const { return seen_; }

  private:
    void take(const LegacyCommand& command) {
        demand(command.key.size() <= storage::key_size_limit, "a key is no longer than a key");
        demand(command.value.size() <= value_limit, "a value is within the limit");
        seen_ += image_of(command);
        const bool has_key =
            command.verb == LegacyVerb::upsert || command.verb == LegacyVerb::removal;
        // A later time than a repcached can read is told as the last that it can.
        const bool may_be_sent =
            (!has_key || may_be_named(command.key)) && command.exptime <= INT32_MAX;
        if (command.is_too_large || !may_be_sent || command.cas > UINT32_MAX) return;
        lib::ByteBuffer out;
        write_legacy(out, command);
        LegacyReader again(value_limit);
        const auto read = again.read(out.readable());
        demand(read.status == LegacyReader::Status::command && read.taken == out.size(),
               "what was written is one command");
        demand(image_of(read.command) == image_of(command), "and reads the same");
    }

    LegacyReader reader_{value_limit};
    std::string kept_;
    std::string seen_;
    bool is_over_ = false;
};

}  // namespace

// The first byte says in pieces of how many bytes the rest comes.
extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
    if (size == 0) return 0;
    const std::size_t piece = 1 + data[0] % 32;
    const std::string_view bytes(reinterpret_cast<const char*>(data) + 1, size - 1);
    Fed whole;
    whole.feed(bytes);
    Fed cut;
    for (std::size_t at = 0; at < bytes.size(); at += piece)
        cut.feed(bytes.substr(at, piece));
    demand(cut.seen() == whole.seen(), "the commands are the same at every split");
    return 0;
}
