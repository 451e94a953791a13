#include "replication/nats/jetstream/api.hpp"

#include "lib/json.hpp"
#include "lib/numbers.hpp"

#include <algorithm>
#include <array>
#include <limits>
#include <utility>

namespace twincached::replication::nats {
namespace {

namespace json = boost::json;

constexpr std::int64_t ns_per_second = 1'000'000'000;
constexpr std::string_view origin_words = "twincached: mirrors a stream created at ns ";
// Longer than this no answer is that makes sense.
constexpr std::size_t answer_limit_bytes = std::size_t{1} << 20;
// The broker refuses a shorter one; the window serves message ids, which nobody gives here.
constexpr std::chrono::milliseconds duplicate_window{100};
// A consumer of a connection that is gone is forgotten after so long.
constexpr std::chrono::milliseconds consumer_forgotten{5000};

constexpr std::int64_t ns_in_ms = 1'000'000;

std::int64_t in_ns(std::chrono::milliseconds time) noexcept {
    return std::chrono::duration_cast<std::chrono::nanoseconds>(time).count();
}

ApiError senseless(std::string_view what) {
    return {0, "an answer that makes no sense: " + std::string(what)};
}

const json::value* member(const json::value& value, std::string_view name) noexcept {
    const auto* object = value.if_object();
    return object == nullptr ? nullptr : object->if_contains(name);
}

std::string_view text_in(const json::value& value, std::string_view name) noexcept {
    const auto* found = member(value, name);
    const auto* text = found == nullptr ? nullptr : found->if_string();
    return text == nullptr ? std::string_view() : std::string_view(text->data(), text->size());
}

// Not negative, whole, and not beyond a signed number either.
std::optional<std::uint64_t> number_in(const json::value& value, std::string_view name) noexcept {
    const auto* found = member(value, name);
    if (found == nullptr) return std::nullopt;
    if (const auto* number = found->if_int64()) {
        if (*number < 0) return std::nullopt;
        return static_cast<std::uint64_t>(*number);
    }
    return std::nullopt;
}

// The answer's object; or what it says went wrong.
ApiAnswer<json::value> read_answer(std::string_view text) {
    if (text.size() > answer_limit_bytes) return senseless("it is too long");
    boost::system::error_code error;
    auto value = json::parse({text.data(), text.size()}, error);
    if (error || !value.is_object()) return senseless("it is not a JSON object");
    const auto* refusal = member(value, "error");
    if (refusal == nullptr) return value;
    const auto code = number_in(*refusal, "code");
    const auto why = text_in(*refusal, "description");
    if (!code || *code > 999) return senseless("an error without a code");
    return ApiError{static_cast<int>(*code), why.empty() ? "no reason given" : std::string(why)};
}

// What streams and mirrors have in common.
json::object stream_config(std::string_view stream, const StreamSettings& settings) {
    return {
        {"name", stream},
        {"retention", "limits"},
        {"discard", "old"},
        {"storage", settings.storage == Storage::file ? "file" : "memory"},
        {"num_replicas", settings.replicas},
        {"max_age", in_ns(settings.max_age)},
        {"max_bytes", static_cast<std::int64_t>(std::min<std::uint64_t>(
                          settings.max_bytes, std::numeric_limits<std::int64_t>::max()))},
        {"duplicate_window", in_ns(duplicate_window)},
    };
}

bool is_true(const json::value& value, std::string_view name) noexcept {
    const auto* found = member(value, name);
    const auto* truth = found == nullptr ? nullptr : found->if_bool();
    return truth != nullptr && *truth;
}

// NATS has -1 for what is not bounded.
std::uint64_t bound_in(const json::value& value, std::string_view name) noexcept {
    return number_in(value, name).value_or(0);
}

StreamTraits traits_in(const json::value& config) {
    StreamTraits traits;
    const auto* subjects = member(config, "subjects");
    const auto* list = subjects == nullptr ? nullptr : subjects->if_array();
    if (list != nullptr)
        for (const auto& subject : *list)
            if (const auto* text = subject.if_string())
                traits.subjects.emplace_back(text->data(), text->size());
    traits.retention = text_in(config, "retention");
    traits.max_age = std::chrono::milliseconds(bound_in(config, "max_age") / 1'000'000);
    traits.per_subject = bound_in(config, "max_msgs_per_subject");
    traits.max_messages = bound_in(config, "max_msgs");
    traits.max_bytes = bound_in(config, "max_bytes");
    traits.max_consumers = bound_in(config, "max_consumers");
    traits.discards_new = text_in(config, "discard") == "new";
    traits.is_mirror = member(config, "mirror") != nullptr;
    traits.is_sealed = is_true(config, "sealed");
    traits.has_no_ack = is_true(config, "no_ack");
    return traits;
}

std::optional<int> digits(std::string_view text, std::size_t first, std::size_t count) noexcept {
    if (text.size() < first + count) return std::nullopt;
    const auto part = text.substr(first, count);
    if (!std::all_of(part.begin(), part.end(), [](char c) { return c >= '0' && c <= '9'; }))
        return std::nullopt;
    return lib::parse_number<int>(part);
}

}  // namespace

std::string stream_request(std::string_view stream, std::string_view subjects,
                           const StreamSettings& settings) {
    auto config = stream_config(stream, settings);
    config["subjects"] = json::array{json::string(subjects)};
    return json::serialize(config);
}

std::string mirror_request(std::string_view stream, const MirrorOf& of,
                           const StreamSettings& settings) {
    auto config = stream_config(stream, settings);
    config.erase("duplicate_window");
    config["description"] = std::string(origin_words) + std::to_string(of.origin_created);
    config["mirror"] = json::object{
        {"name", of.origin},
        {"external", json::object{{"api", "$JS." + of.domain + ".API"}, {"deliver", ""}}}};
    return json::serialize(config);
}

std::string consumer_request(std::string_view stream, const ConsumerSettings& settings) {
    const json::object config{
        {"deliver_subject", settings.deliver_to},
        {"deliver_policy", "by_start_sequence"},
        {"opt_start_seq", std::max<Sequence>(settings.from, 1)},
        {"ack_policy", "none"},
        {"replay_policy", "instant"},
        {"flow_control", true},
        {"idle_heartbeat", in_ns(settings.heartbeat)},
        {"inactive_threshold", in_ns(consumer_forgotten)},
    };
    return json::serialize(json::object{{"stream_name", stream}, {"config", config}});
}

ApiAnswer<StreamInfo> read_stream_info(std::string_view text) {
    const auto answer = read_answer(text);
    if (answer.has_error()) return answer.error();
    const auto created = read_time(text_in(*answer, "created"));
    if (!created || *created <= 0) return senseless("a stream without a time of creation");
    const auto* state = member(*answer, "state");
    if (state == nullptr) return senseless("a stream without a state");
    const auto first = number_in(*state, "first_seq");
    const auto last = number_in(*state, "last_seq");
    const auto kept = number_in(*state, "messages");
    if (!first || !last || !kept) return senseless("a stream without its sequences");
    StreamInfo info{{*created, *first, *last, *created}, {}};
    if (*kept == 0) info.state.first = info.state.last + 1;
    info.state.last_ms = read_time(text_in(*state, "last_ts")).value_or(0) / ns_in_ms;
    if (info.state.first == 0 || info.state.first > info.state.last + 1)
        return senseless("a stream that begins behind its end");
    const auto* config = member(*answer, "config");
    if (config == nullptr) return info;
    info.traits = traits_in(*config);
    info.state.max_message = bound_in(*config, "max_msg_size");
    if (info.traits.is_mirror) info.state.origin_created = 0;
    const auto words = text_in(*config, "description");
    if (!words.starts_with(origin_words)) return info;
    const auto origin = lib::parse_number<std::int64_t>(words.substr(origin_words.size()));
    info.state.origin_created = origin.value_or(0);
    return info;
}

ApiAnswer<std::string> read_consumer_created(std::string_view text) {
    const auto answer = read_answer(text);
    if (answer.has_error()) return answer.error();
    const auto name = text_in(*answer, "name");
    if (name.empty()) return senseless("a consumer without a name");
    return std::string(name);
}

ApiAnswer<Sequence> read_publish_ack(std::string_view text, std::string_view stream) {
    const auto answer = read_answer(text);
    if (answer.has_error()) return answer.error();
    const auto into = text_in(*answer, "stream");
    if (into != stream) return senseless("it went into the stream '" + std::string(into) + "'");
    const auto sequence = number_in(*answer, "seq");
    if (!sequence || *sequence == 0) return senseless("a publication without a sequence");
    return *sequence;
}

std::optional<std::int64_t> read_time(std::string_view text) noexcept {
    const auto year = digits(text, 0, 4);
    const auto month = digits(text, 5, 2);
    const auto day = digits(text, 8, 2);
    const auto hour = digits(text, 11, 2);
    const auto minute = digits(text, 14, 2);
    const auto second = digits(text, 17, 2);
    if (!year || !month || !day || !hour || !minute || !second || !text.ends_with('Z'))
        return std::nullopt;
    constexpr std::string_view shape = "....-..-..T..:..:..";
    for (std::size_t i = 0; i < shape.size(); ++i)
        if (shape[i] != '.' && shape[i] != text[i]) return std::nullopt;
    const std::chrono::year_month_day date{std::chrono::year(*year),
                                           std::chrono::month(static_cast<unsigned>(*month)),
                                           std::chrono::day(static_cast<unsigned>(*day))};
    // What 64 bits of nanoseconds hold: up to 2262.
    if (!date.ok() || *year < 1970 || *year > 2261 || *hour > 23 || *minute > 59 || *second > 60)
        return std::nullopt;
    const auto fraction = text.substr(shape.size(), text.size() - shape.size() - 1);
    std::int64_t ns = 0;
    if (!fraction.empty()) {
        const auto count = fraction.size() - 1;
        if (fraction[0] != '.' || count == 0 || count > 9) return std::nullopt;
        const auto part = digits(fraction, 1, count);
        if (!part) return std::nullopt;
        ns = *part;
        for (auto i = count; i < 9; ++i)
            ns *= 10;
    }
    const std::int64_t days = std::chrono::sys_days(date).time_since_epoch().count();
    return ((days * 24 + *hour) * 60 + *minute) * 60 * ns_per_second + *second * ns_per_second + ns;
}

std::optional<Place> read_place(std::string_view reply) noexcept {
    constexpr std::size_t most = 13;
    std::array<std::string_view, most> tokens;
    std::size_t count = 0;
    for (std::size_t from = 0; from <= reply.size();) {
        if (count == most) return std::nullopt;
        const auto dot = std::min(reply.find('.', from), reply.size());
        tokens[count++] = reply.substr(from, dot - from);
        from = dot + 1;
    }
    if (count < 9 || count == 10 || tokens[0] != "$JS" || tokens[1] != "ACK") return std::nullopt;
    const std::size_t stream = count == 9 ? 2 : 4;
    const auto sequence = lib::parse_number<std::uint64_t>(tokens[stream + 3]);
    const auto number = lib::parse_number<std::uint64_t>(tokens[stream + 4]);
    const auto time = lib::parse_number<std::int64_t>(tokens[stream + 5]);
    const auto pending = lib::parse_number<std::uint64_t>(tokens[stream + 6]);
    constexpr auto largest = std::uint64_t{std::numeric_limits<std::int64_t>::max()};
    if (!sequence || !number || !time || !pending) return std::nullopt;
    if (*sequence == 0 || *sequence >= largest || *number == 0 || *time < 0) return std::nullopt;
    return Place{tokens[stream], *sequence, *number, *time, *pending};
}

}  // namespace twincached::replication::nats
