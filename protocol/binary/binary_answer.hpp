// Puts answers into the output in the words of the binary protocol: a packet each, with the opcode
// and the opaque number of its request, however many answer it. One per request; cheap to make.
#pragma once

#include "protocol/binary/binary_request.hpp"
#include "protocol/execution/output.hpp"
#include "storage/store.hpp"

#include <cstdint>
#include <string_view>

namespace twincached::protocol {

enum class BinaryStatus : std::uint16_t {
    ok = 0x00,
    not_found = 0x01,
    exists = 0x02,
    too_large = 0x03,
    invalid = 0x04,
    not_stored = 0x05,
    non_numeric = 0x06,
    authentication = 0x20,
    authentication_goes_on = 0x21,
    unknown_command = 0x81,
    no_memory = 0x82,
    unavailable = 0x86,  // memcached's temporary failure
};

class BinaryAnswer {
  public:
    BinaryAnswer(Output& output, const BinaryRequest& request) noexcept
        : output_(output), request_(request) {}

    // A status that is not ok, with memcached's words for it.
    void error(BinaryStatus status);
    void done(std::uint64_t cas = 0) { packet({}, {}, {}, cas, BinaryStatus::ok); }
    void text(std::string_view text) { packet({}, {}, text, 0, BinaryStatus::ok); }
    // A mechanism of SASL waits for the client's next message.
    void challenge(std::string_view challenge) {
        packet({}, {}, challenge, 0, BinaryStatus::authentication_goes_on);
    }
    void number(std::uint64_t number, std::uint64_t cas);
    void stat(std::string_view key, std::string_view value) {
        packet({}, key, value, 0, BinaryStatus::ok);
    }
    // A miss that tells which key it was.
    void missed_key() { packet({}, request_.key, {}, 0, BinaryStatus::not_found); }
    // The item's client flags, and its value. `store` is asked to pin a large one.
    // REQUIRES: called from a visitor of the store.
    void item(const storage::ItemView& item, std::uint64_t cas, storage::Store& store);
    // The client flags alone, of an item that was only touched.
    void touched_item(const storage::ItemView& item, std::uint64_t cas);

  private:
    struct Lengths {
        std::size_t extras;
        std::size_t key;
        std::size_t value;
    };
    void item_head(const storage::ItemView& item, std::uint64_t cas, std::size_t value_bytes);
    void header(const Lengths& lengths, std::uint64_t cas, BinaryStatus status);
    void packet(std::string_view extras, std::string_view key, std::string_view value,
                std::uint64_t cas, BinaryStatus status);

    Output& output_;
    const BinaryRequest& request_;
};

}  // namespace twincached::protocol
