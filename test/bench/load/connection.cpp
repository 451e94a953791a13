#include "test/bench/load/connection.hpp"

#include <algorithm>
#include <array>
#include <charconv>

namespace twincached::load {
namespace {

constexpr std::size_t longest_answer_line = 4096;
constexpr std::size_t line_end_bytes = 2;

}  // namespace

Connection::Connection(const Setting& setting)
    : options_(setting.options),
      dialect_(setting.dialect),
      content_(setting.content),
      tls_(setting.tls),
      channel_(connect_to(options_, tls_)) {}

void Connection::connect_again() {
    channel_ = nullptr;  // the old one first, or it would take a descriptor more
    channel_ = connect_to(options_, tls_);
}

void Connection::add_get(KeyStream& keys, std::uint64_t due_ns) {
    drawn_.clear();
    for (unsigned i = 0; i < options_.keys_per_get; ++i)
        drawn_.push_back(keys.next());
    dialect_.append_get(output_, content_, drawn_);
    if (options_.verify) asked_.insert(asked_.end(), drawn_.begin(), drawn_.end());
    pending_.push_back({due_ns, options_.keys_per_get, true});
}

void Connection::add_set(std::uint32_t key, std::uint64_t due_ns) {
    dialect_.append_set(output_, content_, key);
    pending_.push_back({due_ns, 1, false});
}

void Connection::flush() {
    sent_ += channel_->send(std::string_view(output_).substr(sent_));
    if (sent_ < output_.size()) return;
    output_.clear();
    sent_ = 0;
}

void Connection::read(Tally& tally, std::uint64_t now_ns) {
    static std::array<char, 256 * 1024> buffer;  // one thread; its content lives within a call
    for (;;) {
        const auto count = channel_->receive(buffer);
        if (!count) give_up("the server closed a connection; first error: " + tally.first_error);
        if (*count == 0) return;
        parse(tally, {buffer.data(), *count}, now_ns);
        if (*count < buffer.size() && !channel_->may_hold_more()) return;
    }
}

void Connection::parse(Tally& tally, std::string_view bytes, std::uint64_t now_ns) {
    while (!bytes.empty()) {
        if (value_left_ > 0) {
            bytes.remove_prefix(take_value(tally, bytes, now_ns));
            continue;
        }
        const auto end = bytes.find('\n');
        if (end == bytes.npos) {
            line_ += bytes;
            if (line_.size() > longest_answer_line) give_up("an answer's line has no end");
            return;
        }
        auto line = bytes.substr(0, end);
        if (!line_.empty()) {
            line_ += line;
            line = line_;
        }
        if (!line.empty() && line.back() == '\r') line.remove_suffix(1);
        take_line(tally, line, now_ns);
        line_.clear();
        bytes.remove_prefix(end + 1);
    }
}

void Connection::take_line(Tally& tally, std::string_view line, std::uint64_t now_ns) {
    if (pending_.empty()) {
        tally.failed(line);  // nothing was asked
        return;
    }
    const bool is_get = pending_.front().is_get;
    const auto answer = dialect_.read(line);
    switch (answer.meaning) {
        case Answer::Meaning::value:
            if (is_get) return begin_value(tally, answer);
            break;
        case Answer::Meaning::missing:
            if (is_get) return take_one_of_a_get(tally, now_ns);
            break;
        case Answer::Meaning::several:
            if (is_get) return;
            break;
        case Answer::Meaning::end:
            if (is_get) return finish(tally, now_ns);
            break;
        case Answer::Meaning::stored:
            if (is_get) break;
            ++tally.stored;
            return finish(tally, now_ns);
        case Answer::Meaning::failure:
            break;
    }
    tally.failed(line);
    finish(tally, now_ns);
}

void Connection::begin_value(Tally& tally, const Answer& answer) {
    ++tally.hits;
    ++hits_;
    value_left_ = answer.bytes + line_end_bytes;
    if (!options_.verify) return;
    expected_ = content_.value(key_of(answer));
    is_value_bad_ = expected_.size() != answer.bytes;
}

// By the key that stands in the answer, or else by its place among those that were asked for.
std::uint32_t Connection::key_of(const Answer& answer) const {
    if (!dialect_.ends_a_get()) return asked_[answers_];
    std::uint32_t number = 0;
    const auto& key = answer.key;
    const auto digits = key.substr(key.size() - std::min<std::size_t>(key.size(), 8));
    std::from_chars(digits.data(), digits.data() + digits.size(), number);
    return number;
}

std::size_t Connection::take_value(Tally& tally, std::string_view bytes, std::uint64_t now_ns) {
    const auto count = std::min<std::uint64_t>(value_left_, bytes.size());
    if (options_.verify) {
        const auto part = std::min<std::size_t>(count, expected_.size());
        if (bytes.substr(0, part) != expected_.substr(0, part)) is_value_bad_ = true;
        expected_.remove_prefix(part);
    }
    value_left_ -= count;
    if (value_left_ > 0) return count;
    if (is_value_bad_) ++tally.bad_values;
    is_value_bad_ = false;
    take_one_of_a_get(tally, now_ns);
    return count;
}

// One key's answer is complete.
void Connection::take_one_of_a_get(Tally& tally, std::uint64_t now_ns) {
    ++answers_;
    if (!dialect_.ends_a_get() && answers_ == pending_.front().keys) finish(tally, now_ns);
}

void Connection::finish(Tally& tally, std::uint64_t now_ns) {
    const auto& request = pending_.front();
    tally.answered(now_ns - std::min(now_ns, request.due_ns));
    tally.keys += request.keys;
    if (request.is_get) tally.misses += request.keys - std::min(hits_, request.keys);
    if (request.is_get && options_.verify) {
        asked_.erase(asked_.begin(), asked_.begin() + request.keys);
    }
    hits_ = 0;
    answers_ = 0;
    pending_.pop_front();
}

}  // namespace twincached::load
