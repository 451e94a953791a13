#include "replication/nats/jetstream/number_claim.hpp"

#include "lib/numbers.hpp"
#include "replication/nats/jetstream/names.hpp"

#include <algorithm>
#include <limits>
#include <utility>

namespace twincached::replication::nats {
namespace {

constexpr std::string_view version = "1 ";
constexpr std::size_t place_limit = 128;

bool may_be_shown(char letter) noexcept {
    return letter >= ' ' && letter <= '~';
}

// The number up to the next blank, which goes, too.
template <class Number>
std::optional<Number> take_number(std::string_view& text) noexcept {
    const auto end = text.find(' ');
    if (end == std::string_view::npos) return std::nullopt;
    const auto number = lib::parse_number<Number>(text.substr(0, end));
    text.remove_prefix(end + 1);
    return number;
}

// Of two who have held it equally long, as two who have just come, one is preferred by both.
bool is_preferred(const Claimant& one, const Claimant& other) noexcept {
    if (one.held != other.held) return one.held > other.held;
    return one.identity < other.identity;
}

}  // namespace

std::string claim_text(const Claimant& claimant) {
    return std::string(version) + std::to_string(claimant.held.count()) + " " +
           std::to_string(claimant.identity) + " " + std::string(claimant.place);
}

std::optional<Claimant> read_claim(std::string_view text) noexcept {
    if (!text.starts_with(version)) return std::nullopt;
    text.remove_prefix(version.size());
    const auto held = take_number<std::uint32_t>(text);
    if (!held) return std::nullopt;
    const auto identity = take_number<std::uint64_t>(text);
    const bool is_showable =
        text.size() <= place_limit && std::all_of(text.begin(), text.end(), may_be_shown);
    if (!identity || !is_showable) return std::nullopt;
    return Claimant{std::chrono::milliseconds(*held), *identity, text};
}

void NumberClaim::begin() {
    state_ = State::asking;
    until_ = session_.now() + session_.settings().claim_patience;
    objection_.clear();
    session_.send(subject(), session_.inbox_of(Inbox::claim), claim_text(self()));
}

void NumberClaim::clear() noexcept {
    state_ = State::idle;
    objection_.clear();
}

std::string NumberClaim::subject() const {
    return asking_subject(session_.names(), "number." + std::to_string(session_.names().node));
}

void NumberClaim::on_question(const WireMessage& message) {
    const auto other = read_claim(message.payload);
    const auto own = self();
    if (state_ == State::lost || !other || other->identity == own.identity) return;
    if (is_preferred(*other, own)) return lose(*other);
    if (!message.reply.empty()) session_.send(std::string(message.reply), {}, claim_text(own));
}

// One who answers keeps it.
void NumberClaim::on_answer(const WireMessage& message) {
    if (message.status == status_no_responders && state_ == State::asking) return hold();
    const auto other = read_claim(message.payload);
    if (message.status != 0 || !other || other->identity == self().identity) return;
    lose(*other);
}

void NumberClaim::yield(std::string_view why) {
    if (state_ != State::held) return;
    held_since_.reset();
    state_ = State::lost;
    objection_ = std::string(why) + ": it asks for its number anew";
}

// Somebody was there to be asked and says nothing: a connection that nobody has any more.
void NumberClaim::on_timer() {
    if (state_ == State::asking && until_ <= session_.now()) hold();
}

std::optional<NumberClaim::Instant> NumberClaim::deadline() const noexcept {
    if (state_ != State::asking) return std::nullopt;
    return until_;
}

Claimant NumberClaim::self() const noexcept {
    constexpr std::int64_t longest = std::numeric_limits<std::uint32_t>::max();
    const auto held = held_since_ ? (session_.now() - *held_since_).count() : 0;
    return {std::chrono::milliseconds(std::clamp<std::int64_t>(held, 0, longest)),
            session_.settings().identity, session_.settings().place};
}

void NumberClaim::hold() {
    state_ = State::held;
    if (!held_since_) held_since_ = session_.now();
}

void NumberClaim::lose(const Claimant& other) {
    state_ = State::lost;
    objection_ = "another node is node " + std::to_string(session_.names().node) +
                 " of the cluster " + session_.names().cluster + ", at " +
                 std::string(other.place) + ": each needs a number of its own";
}

}  // namespace twincached::replication::nats
