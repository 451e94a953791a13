// A slow look at whether both nodes really hold the same: bucket after bucket, round and round, the
// digest of what is here is told to the peer, which compares it with its own and asks for a list
// where they differ. A bucket is judged only while neither node has a change of it on its way:
//
//     this node: every change of the bucket is acknowledged ---- SCRUB (digests) --->   the peer:
//     the same is true of its own at this moment, so both speak of one state; are the digests
//     equal?
//                <--- SCRUB_WANT (buckets) -----
//                ----- SCRUB_LIST (hash, version) --->   settled still? then it compares item by
//                item
//
// For an acknowledgement that this node sends after the digest comes after it in the stream, a
// change of the peer's that the digest does not know is one that the peer still waits for.
//
// Versions that differ are a defect: they are counted, and the newer item is sent. What only one of
// the two holds was evicted or has expired on the other: it is counted and left alone, because
// sending it again would bring expired items back. Specification: REPLICATION.md section 12.
// Owned by the exchange, on the replication strand.
#pragma once

#include "lib/byte_buffer.hpp"
#include "replication/pair/exchange/exchange_context.hpp"
#include "replication/pair/exchange/incoming.hpp"
#include "replication/pair/exchange/standing.hpp"
#include "replication/records/data_frames.hpp"
#include "storage/now.hpp"

#include <cstddef>
#include <cstdint>
#include <vector>

namespace twincached::replication::pair {

class Scrub {
  public:
    // So many buckets are told at once, at most.
    static constexpr std::size_t digests_at_once = 1024;
    // What the peer may have asked for and not been told yet; more is forgotten until next time.
    static constexpr std::size_t wanted_limit = 4096;

    Scrub(ExchangeContext& context, Incoming& incoming) noexcept
        : context_(context), incoming_(incoming) {}

    // A session begins. `peer`: whether it understands any of this.
    void begin(const Standing& peer, const storage::Now& now) noexcept;
    void end() noexcept;

    // A frame of one of its three types. False: it makes no sense.
    [[nodiscard]] bool on_frame(const Frame& frame, const storage::Now& now);

    // An answer is owed. What is due by the clock waits for whoever comes by.
    bool has_work() const noexcept { return !asked_of_us_.empty() || !to_ask_.empty(); }
    // Appends what is due, while the buffer is shorter than `end_size`.
    void produce(lib::ByteBuffer& out, std::size_t end_size, const storage::Now& now);

  private:
    bool compare_digests(DigestReader digests);
    bool compare_list(const ListReader& list, const storage::Now& now);
    void compare_items(storage::BucketNumber bucket, const storage::Now& now);
    void mend(unsigned shard_number, const storage::Now& now);
    void send_lists(lib::ByteBuffer& out, std::size_t end_size, const storage::Now& now);
    bool list_bucket(storage::BucketNumber bucket, const storage::Now& now);
    std::size_t due(const storage::Now& now) noexcept;
    void send_digests(lib::ByteBuffer& out, std::size_t count);

    ExchangeContext& context_;
    Incoming& incoming_;
    bool peer_understands_ = false;
    std::size_t cursor_ = 0;  // the next bucket to tell
    std::uint64_t told_at_ms_ = 0;
    std::vector<storage::BucketNumber> asked_of_us_;  // lists
    std::vector<storage::BucketNumber> to_ask_;
    std::vector<BucketDigest> digests_;
    std::vector<BucketItem> items_;
    std::vector<BucketItem> defects_;  // as the peer holds them
};

}  // namespace twincached::replication::pair
