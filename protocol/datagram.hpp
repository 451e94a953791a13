// A request that came as one UDP datagram, and its answer in as many as it takes. Each begins with
// memcached's frame header, four 16-bit numbers in network order:
//
//     | request id | sequence number | datagrams in this message | 0 |
//
// Pure: no socket. UDP lets anybody claim to be somebody else, so what a small request may cause is
// bounded here: a request is one datagram, its answer answer_bytes_limit at most.
#pragma once

#include "lib/byte_buffer.hpp"
#include "protocol/execution/service.hpp"

#include <array>
#include <cstddef>
#include <cstdint>
#include <optional>
#include <string_view>

namespace twincached::protocol {

inline constexpr std::size_t datagram_header_bytes = 8;
// What memcached puts into one datagram, header included: below any usual path's limit.
inline constexpr std::size_t datagram_bytes_limit = 1400;
inline constexpr std::size_t datagram_payload_limit = datagram_bytes_limit - datagram_header_bytes;
// A larger answer is refused: it would hardly arrive whole, and would serve an attacker who sends
// requests in a victim's name.
inline constexpr std::size_t answer_bytes_limit = 64 * 1024;

struct DatagramHeader {
    std::uint16_t request_id = 0;
    std::uint16_t sequence = 0;
    std::uint16_t count = 1;

    // Nothing if the datagram is too short for a header.
    static std::optional<DatagramHeader> parse(std::string_view datagram) noexcept;
    std::array<char, datagram_header_bytes> bytes() const noexcept;

    friend bool operator==(const DatagramHeader&, const DatagramHeader&) = default;
};

// An answer cut into datagrams. The text must outlive it.
class AnswerDatagrams {
  public:
    // REQUIRES: answer.size() <= answer_bytes_limit.
    AnswerDatagrams(std::uint16_t request_id, std::string_view answer) noexcept;

    std::uint16_t count() const noexcept { return count_; }  // 0 if there is nothing to say
    DatagramHeader header(std::uint16_t sequence) const noexcept;
    std::string_view payload(std::uint16_t sequence) const noexcept;

  private:
    std::uint16_t request_id_;
    std::uint16_t count_;
    std::string_view answer_;
};

// A datagram with this source port is no client's: it was sent by a service that answers whatever
// it gets, or by another cache, and an answer to it could go back and forth for ever.
bool is_suspicious_port(std::uint16_t source, std::uint16_t own) noexcept;

// Executes the commands in one request and appends their answers to `answer`, which is empty. A
// command that is not whole is dropped; so is all from the first line or packet on that is no
// command: an answer of another server is none. What has more to say than one turn's worth is
// refused. Several of these may not run at once on one thread's counters.
class DatagramConversation {
  public:
    DatagramConversation(Service& service, ThreadCounters& counters, int descriptor) noexcept
        : service_(service), counters_(counters), descriptor_(descriptor) {}

    // Nothing if the datagram is to be dropped without a word; else the request id.
    std::optional<std::uint16_t> answer(std::string_view datagram, const storage::Now& now,
                                        lib::ByteBuffer& answer) noexcept;

  private:
    void execute(std::string_view request, const storage::Now& now, lib::ByteBuffer& answer);

    Service& service_;
    ThreadCounters& counters_;
    int descriptor_;
};

}  // namespace twincached::protocol
