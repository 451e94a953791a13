// The peer's answers to what this node has sent: acknowledgements, what is wanted, and buckets
// whose digests differed. What is acknowledged is set free: entries of the log, buckets under way,
// flushes. Rules R10, R11 and R16. Owned by the exchange, on the replication strand.
//
//     ACK(seq, wanted ...)    first what is wanted enters the log,
//                             then every frame up to seq leaves the window, and frees:
//                                 BATCH, last SEG   the log before its position
//                                 LIST              its bucket
//                                 DIGEST            its buckets, but for those that were asked for
//                                 FLUSH             answers that wait for it
#pragma once

#include "replication/pair/exchange/exchange_context.hpp"
#include "replication/pair/exchange/walk.hpp"
#include "replication/records/data_frames.hpp"
#include "replication/records/frame.hpp"
#include "storage/now.hpp"

#include <cstdint>

namespace twincached::replication::pair {

class Answers {
  public:
    Answers(ExchangeContext& context, WalkSender& walk) noexcept : context_(context), walk_(walk) {}

    // False: they make no sense.
    [[nodiscard]] bool on_ack(const AckReader& ack, const storage::Now& now) noexcept;
    // A DIGEST without a number: the lists of these buckets are wanted. It comes before the
    // acknowledgement of the digests that it answers, so what it names is walked again.
    [[nodiscard]] bool on_bucket_requests(const BucketRequestReader& requests) noexcept;

    // The session is over (rule R11): no answer will come. Lists under way are lost, their buckets
    // dirty; what was sent of the log is unsent.
    void give_up() noexcept;

  private:
    void record_wanted(const AckReader& ack, const storage::Now& now) noexcept;
    void set_free(std::uint64_t seq, const InFlight& frame) noexcept;
    void free_log(const InFlight& frame) noexcept;
    void free_buckets(std::uint64_t seq, const InFlight& frame, std::size_t count) noexcept;
    void free_flush(const InFlight& frame) noexcept;
    void abandon(const InFlight& frame) noexcept;

    ExchangeContext& context_;
    WalkSender& walk_;
};

}  // namespace twincached::replication::pair
