// Sends what the change logs hold: batches of small records, and large values one at a time in
// segments (rule R3). The value of an entry is looked up when it is sent, in the same critical
// section in which it enters the batch, so that the order of the byte stream is, per key, the
// order of the shard's states. Owned by the exchange, on the replication strand.
#pragma once

#include "lib/byte_buffer.hpp"
#include "replication/pair/exchange/exchange_context.hpp"
#include "replication/records/data_frames.hpp"
#include "replication/records/item_records.hpp"
#include "replication/records/large_value.hpp"
#include "storage/now.hpp"

#include <cstddef>
#include <cstdint>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

namespace twincached::replication::pair {

class LogSender {
  public:
    explicit LogSender(ExchangeContext& context) noexcept : context_(context) {}

    bool has_work() const noexcept;
    // Appends at most one batch, of the next shard that has something, and begins to send a large
    // value if that is what comes next. False: no log had anything.
    bool send_batch(lib::ByteBuffer& out, const storage::Now& now);

    // A large value is under way. What the store said when it was read must reach the peer before
    // any acknowledgement of what arrived since (rule R13), so nothing else may be sent.
    bool is_sending_large() const noexcept { return large_.has_value(); }
    // Appends segments of it until `end_size`. Harmless if there is none.
    void send_large(lib::ByteBuffer& out, std::size_t end_size, const storage::Now& now);

    // `hints`: the peer understands them. What it asked for has come to it by no use of a client's,
    // so it hears of each item whether it has been read here; else it would spare none of them.
    void begin(bool hints) noexcept { hints_ = hints; }
    void end() noexcept { large_.reset(); }

  private:
    struct Large {
        Large(storage::Store& store, const storage::ItemView& item, const WireRecord& record)
            : value(store, item, record) {}

        unsigned shard = 0;
        ChangeLog::Position position = 0;  // behind its entry
        LargeValue value;
    };
    struct Pass;

    void send_some(Pass& pass, storage::Shard& shard);
    bool send_entry(Pass& pass, storage::Shard& shard, const ChangeLog::Found& found);
    bool send_item(Pass& pass, const storage::ItemView& item, const ChangeLog::Entry& entry);
    bool is_too_large_for_peer(const storage::ItemView& item) const noexcept;
    void send_segment(lib::ByteBuffer& out, const storage::Now& now);

    ExchangeContext& context_;
    unsigned next_shard_ = 0;
    std::optional<Large> large_;
    bool hints_ = false;
    std::vector<std::uint64_t> read_here_;  // of the batch in the making
};

}  // namespace twincached::replication::pair
