#include "protocol/datagram.hpp"

#include "protocol/conversation.hpp"

#include <algorithm>
#include <new>

namespace twincached::protocol {

namespace {

constexpr std::string_view answer_too_large = "SERVER_ERROR answer too large for UDP\r\n";

constexpr std::uint16_t first_unprivileged_port = 1024;

// Turns of one request, so that a datagram full of tiny commands ends.
constexpr unsigned turns_limit = 10'000;

std::uint16_t number_at(std::string_view datagram, std::size_t offset) noexcept {
    const auto high = static_cast<unsigned char>(datagram[offset]);
    const auto low = static_cast<unsigned char>(datagram[offset + 1]);
    return static_cast<std::uint16_t>(high << 8 | low);
}

// Moves what the conversation has said; false if it is too much.
bool collect(Output& output, lib::ByteBuffer& answer) {
    if (answer.size() + output.size() > answer_bytes_limit) return false;
    std::array<std::string_view, 16> segments;
    while (!output.empty()) {
        std::size_t bytes = 0;
        const auto used = output.gather(segments);
        for (std::size_t i = 0; i < used; ++i) {
            answer.append(segments[i]);
            bytes += segments[i].size();
        }
        output.consume(bytes);
    }
    return true;
}

}  // namespace

std::optional<DatagramHeader> DatagramHeader::parse(std::string_view datagram) noexcept {
    if (datagram.size() < datagram_header_bytes) return std::nullopt;
    return DatagramHeader{number_at(datagram, 0), number_at(datagram, 2), number_at(datagram, 4)};
}

std::array<char, datagram_header_bytes> DatagramHeader::bytes() const noexcept {
    std::array<char, datagram_header_bytes> bytes{};
    std::size_t at = 0;
    for (const std::uint16_t number : {request_id, sequence, count}) {
        bytes[at++] = static_cast<char>(number >> 8);
        bytes[at++] = static_cast<char>(number & 0xFF);
    }
    return bytes;
}

AnswerDatagrams::AnswerDatagrams(std::uint16_t request_id, std::string_view answer) noexcept
    : request_id_(request_id),
      count_(static_cast<std::uint16_t>((answer.size() + datagram_payload_limit - 1) /
                                        datagram_payload_limit)),
      answer_(answer) {}

DatagramHeader AnswerDatagrams::header(std::uint16_t sequence) const noexcept {
    return {request_id_, sequence, count_};
}

std::string_view AnswerDatagrams::payload(std::uint16_t sequence) const noexcept {
    return answer_.substr(sequence * datagram_payload_limit, datagram_payload_limit);
}

bool is_suspicious_port(std::uint16_t source, std::uint16_t own) noexcept {
    return source < first_unprivileged_port || source == own;
}

std::optional<std::uint16_t> DatagramConversation::answer(std::string_view datagram,
                                                          const storage::Now& now,
                                                          lib::ByteBuffer& answer) noexcept {
    const auto header = DatagramHeader::parse(datagram);
    if (!header || datagram.size() == datagram_header_bytes) return std::nullopt;
    // A part of a request is none, and may be a part of another server's answer.
    if (header->sequence != 0 || header->count != 1) return std::nullopt;
    try {
        execute(datagram.substr(datagram_header_bytes), now, answer);
    } catch (const std::bad_alloc&) {
        return std::nullopt;
    }
    return header->request_id;
}

void DatagramConversation::execute(std::string_view request, const storage::Now& now,
                                   lib::ByteBuffer& answer) {
    Conversation conversation(service_, counters_, ClientOrigin{nullptr, descriptor_, true});
    lib::ByteBuffer input;
    Output output;
    input.append(request);
    for (unsigned turn = 0; turn < turns_limit; ++turn) {
        const auto next = conversation.advance(input, output, now);
        // What would go on for long has no place here: 40 small datagrams could ask for seconds.
        if (conversation.is_suspended() || !collect(output, answer)) {
            answer.clear();
            answer.append(answer_too_large);
            return;
        }
        if (next == Next::read_more || next == Next::close) return;
    }
}

}  // namespace twincached::protocol
