#include "replication/nats/jetstream/asks.hpp"

#include "replication/nats/jetstream/names.hpp"
#include "replication/nats/jetstream/refusals.hpp"

namespace twincached::replication::nats {
namespace {

constexpr std::string_view too_many = "too much is being asked";
constexpr std::string_view no_responders = "nobody listens there";

}  // namespace

void Asks::ask(Token token, std::string_view subject, std::string_view payload) {
    if (!session_.fits(payload)) return open_.open(token, session_.now(), too_long);
    if (open_.count() >= limit) return open_.open(token, session_.now(), too_many);
    open_.open(token, session_.patience_ends());
    session_.send(asking_subject(session_.names(), subject),
                  session_.inbox_of(Inbox::question, token), payload);
}

void Asks::on_answer(Token token, const WireMessage& message) {
    if (!open_.is_open(token)) return;
    if (message.status != 0) {
        open_.close(token);
        return session_.events().not_answered(token, no_responders);
    }
    open_.open(token, session_.patience_ends());
    session_.events().answered(token, message.payload, message.reply);
}

void Asks::on_timer() {
    open_.expire(session_.now(), [this](Token token, std::string_view why) {
        session_.events().not_answered(token, why);
    });
}

}  // namespace twincached::replication::nats
