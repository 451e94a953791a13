#include "app/twinctl/item_loader.hpp"

#include "app/twinctl/plain_text.hpp"

#include "protocol/base64.hpp"
#include "protocol/uri_key.hpp"
#include "storage/exptime.hpp"

#include <fmt/format.h>

#include <algorithm>
#include <array>
#include <optional>

namespace twincached::app {
namespace {

constexpr std::size_t batch_bytes = 64 * 1024;
// A server may say that much of a batch, and no more is kept.
constexpr std::size_t answers_limit = 16U << 20;

std::string base64_of(std::string_view bytes) {
    std::string text(protocol::base64_size(bytes.size()), '\0');
    protocol::put_base64(text.data(), bytes);
    return text;
}

}  // namespace

StoreCommand store_command(const ItemLine& item, std::int64_t unix_now, bool only_new) {
    if (item.key.size() > storage::key_size_limit)
        return {.problem = item.shown_key + ": the key is too long"};
    std::string value(item.value_text.size() / 4 * 3, '\0');
    const auto size = item.value_text.empty() ? std::optional<std::size_t>(0)
                                              : protocol::decode_base64(item.value_text, value);
    if (!size || *size != item.size)
        return {.problem = item.shown_key + ": its value is not whole"};
    const bool is_over = item.expires >= 0 && item.expires <= unix_now;
    if (item.is_stale || is_over) return {};
    // Above 30 days a number of seconds would be taken for a time.
    const auto left = item.expires - unix_now;
    const auto exptime = item.expires < 0                          ? 0
                         : left <= storage::relative_exptime_limit ? left
                                                                   : item.expires;
    const bool is_text = protocol::is_text_key(item.key);
    auto command =
        fmt::format("ms {} {}{} F{} T{}{} q\r\n", is_text ? item.key : base64_of(item.key), *size,
                    is_text ? "" : " b", item.flags, exptime, only_new ? " ME" : "");
    command.append(value, 0, *size).append("\r\n");
    return {.bytes = std::move(command)};
}

std::string ItemLoader::log_in(std::string_view login) {
    const auto deadline = NodeConnection::Clock::now() + patience_;
    auto why =
        connection_.send(fmt::format("set login 0 0 {}\r\n{}\r\n", login.size(), login), deadline);
    std::string answer;
    while (why.empty() && answer.find('\n') == std::string::npos) {
        std::array<char, 256> piece;
        const auto count = connection_.receive(piece, deadline);
        if (count.has_error()) return count.error();
        if (*count == 0 || answer.size() > piece.size()) why = "it closed the connection";
        answer.append(piece.data(), *count);
    }
    if (!why.empty() || answer == "STORED\r\n") return why;
    return "the login is refused: " + plain_line(answer.substr(0, answer.find('\r')));
}

std::string ItemLoader::take(const ItemLine& item, std::int64_t unix_now) {
    const auto command = store_command(item, unix_now, only_new_);
    if (!command.problem.empty()) return command.problem;
    ++counts_.read;
    if (command.bytes.empty()) {
        ++counts_.ended;
        return {};
    }
    batch_ += command.bytes;
    return batch_.size() < batch_bytes ? std::string() : finish();
}

// "mn" is answered with MN when all before it has been dealt with; of these only what is no success
// is answered.
std::string ItemLoader::finish() {
    const auto deadline = NodeConnection::Clock::now() + patience_;
    batch_ += "mn\r\n";
    auto why = connection_.send(batch_, deadline);
    batch_.clear();
    while (why.empty() && !note_answers()) {
        std::array<char, 4096> piece;
        const auto count = connection_.receive(piece, deadline);
        if (count.has_error()) return count.error();
        if (*count == 0) why = "it closed the connection";
        answers_.append(piece.data(), *count);
        if (answers_.size() > answers_limit) why = "its answers make no sense";
    }
    if (!why.empty() && !counts_.why.empty()) why += " (" + counts_.why + ")";
    return why;
}

// True once the batch's end is among them.
bool ItemLoader::note_answers() {
    for (;;) {
        const auto end = answers_.find("\r\n");
        if (end == std::string::npos) return false;
        const auto line = answers_.substr(0, end);
        answers_.erase(0, end + 2);
        if (line == "MN") return true;
        if (line.starts_with("NS")) {
            ++counts_.kept;
            continue;
        }
        ++counts_.refused;
        if (counts_.why.empty()) counts_.why = plain_line(line);
    }
}

}  // namespace twincached::app
