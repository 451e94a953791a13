#include "replication/nats/driver/broker_link.hpp"

#include <openssl/rand.h>
#include <boost/asio/post.hpp>

#include <algorithm>
#include <array>
#include <utility>

namespace twincached::replication::nats {

namespace asio = boost::asio;

namespace {

// So many messages, then others on the thread have their turn.
constexpr int messages_per_turn = 64;
constexpr std::chrono::seconds renewed_after{30};
constexpr std::chrono::seconds told_again_after{60};

// A subject that nobody else listens to. Without randomness the number of the connection would do,
// but for another node with the same.
std::string new_inbox(const std::string& prefix, std::uint64_t number) {
    std::array<unsigned char, 12> random{};
    (void)RAND_bytes(random.data(), static_cast<int>(random.size()));
    constexpr std::string_view digits = "0123456789abcdef";
    std::string inbox = prefix + ".";
    for (const auto byte : random) {
        inbox.push_back(digits[byte >> 4U]);
        inbox.push_back(digits[byte & 15U]);
    }
    return inbox + "-" + std::to_string(number);
}

}  // namespace

BrokerLink::BrokerLink(asio::io_context& context, BrokerAccess access,
                       JetStreamBroker::Settings settings, Owner& owner)
    : context_(context),
      owner_(owner),
      broker_(std::move(settings)),
      intake_(std::make_shared<Intake>([this] { post([this] { take(); }); })),
      servers_(access.servers),
      inbox_prefix_(access.inbox_prefix),
      dialler_(std::move(access), intake_,
               {[this](std::unique_ptr<NatsConnection> connection) {
                    // What is posted must be copyable.
                    auto shared =
                        std::make_shared<std::unique_ptr<NatsConnection>>(std::move(connection));
                    post([this, shared] { on_connected(std::move(*shared)); });
                },
                [this](const std::string& server, const std::string& why) {
                    post([this, server, why] { on_failed(server, why); });
                }}) {}

void BrokerLink::post(std::function<void()> what) {
    asio::post(context_, [life = std::weak_ptr(life_), what = std::move(what)] {
        if (!life.expired()) what();
    });
}

void BrokerLink::start(BrokerEvents& events) {
    broker_.attach(events);
    dialler_.start();
    dialler_.dial();
}

void BrokerLink::stop() noexcept {
    intake_->close();
    dialler_.stop();
    connection_.reset();
}

void BrokerLink::use(BrokerAccess access) {
    servers_ = access.servers;
    told_.clear();
    dialler_.use(std::move(access));
    if (connection_ && !is_one_of_ours(connection_->server()))
        drop("its server is none of this node's any more");
}

// The end of a connection is asked for, too: to tell it takes memory.
void BrokerLink::on_timer(Instant now) {
    broker_.on_timer(now);
    check();
    if (connection_ && connection_->is_closed()) lose("the broker closed it");
    check_denial(now);
}

// Nothing else tells why no answer comes. Subjects of answers differ each time: one line a minute.
// What was refused when it was subscribed to stays so, also when the user may do it by now.
void BrokerLink::check_denial(Instant now) {
    if (!connection_) return renew_at_.reset();
    if (renew_at_ && now >= *renew_at_) return renew(now);
    facts_.denial = connection_->denial();
    const auto& denial = facts_.denial;
    if (denial.empty()) return;
    // The last one alone is told of, and the inbox is subscribed to before.
    lacks_tellings_ = broker_.is_answered() && denial.find("\"mctell.") != std::string::npos;
    const bool is_lacking = denial.find("Subscription") != std::string::npos;
    if (is_lacking && !renew_at_) renew_at_ = now + renewed_after;
    if (denial == denied_ || (!denied_.empty() && now < denied_at_ + told_again_after)) return;
    denied_ = denial;
    denied_at_ = now;
    owner_.log(LogLevel::warning,
               connection_->server() + ": this node's user may not do everything: " + denial);
}

// Without what others tell of use a node does, too: nothing is to be lost for that. Nobody says
// that it was granted.
void BrokerLink::renew(Instant now) {
    renew_at_.reset();
    if (!lacks_tellings_)
        return drop("a subscription was refused, and another connection tries it again");
    renew_at_ = now + renewed_after;
    broker_.hear_tellings_again();
}

// A server whose disk is full lets nodes in, answers nothing that concerns JetStream, and loses
// them a moment later, again and again: that is told as one that cannot be reached is.
void BrokerLink::lose(std::string_view why) {
    if (!connection_) return;
    is_hanging_ = broker_.is_admitted() && !broker_.is_jetstream_heard() && facts_.denial.empty();
    if (!is_hanging_) {
        facts_.last_refusal = connection_->server() + ": " + std::string(why);
    } else if (is_news(connection_->server(), "JetStream does not answer")) {
        owner_.log(LogLevel::warning, "no broker at " + facts_.last_refusal);
    }
    end(why, is_hanging_);
}

// After one that was of use another is dialled at once. Where none is, for its disk is full
// perhaps, it is tried ever more slowly.
void BrokerLink::end(std::string_view why, bool is_known) {
    if (!connection_) return;
    pause_ = broker_.is_jetstream_heard()
                 ? std::chrono::milliseconds{0}
                 : std::clamp(pause_ * 2, BrokerDialler::first_pause, BrokerDialler::longest_pause);
    dialler_.end(std::move(connection_));
    facts_.server.clear();
    facts_.denial.clear();
    if (!is_known)
        owner_.log(LogLevel::warning, "the broker's connection has ended: " + std::string(why));
    broker_.on_disconnected(why);
    dialler_.dial(pause_);
}

void BrokerLink::start_over() {
    drop("there is no memory");
    post([this] { take(); });
}

void BrokerLink::take() {
    const auto now = owner_.before();
    for (int taken = 0; taken < messages_per_turn; ++taken) {
        const auto arrival = intake_->take();
        if (!arrival) {
            check();
            return owner_.after();
        }
        if (!connection_ || arrival->connection != connection_->number()) continue;
        if (arrival->message) {
            broker_.on_message(message_of(arrival->channel, *arrival->message), now);
        } else {
            lose(arrival->why);
        }
    }
    check();
    owner_.after();
    post([this] { take(); });
}

void BrokerLink::on_connected(std::unique_ptr<NatsConnection> connection) {
    const auto now = owner_.before();
    // One that was under way when others came into force.
    if (!is_one_of_ours(connection->server())) {
        dialler_.end(std::move(connection));
        dialler_.dial();
        return owner_.after();
    }
    connection_ = std::move(connection);
    broker_.on_connected(*connection_, connection_->max_payload(),
                         new_inbox(inbox_prefix_, connection_->number()), now);
    check();
    owner_.after();
}

void BrokerLink::on_failed(const std::string& server, const std::string& why) {
    (void)owner_.before();
    is_hanging_ = false;
    if (is_news(server, why)) owner_.log(LogLevel::warning, "no broker at " + facts_.last_refusal);
    owner_.after();
}

// One line for each server until something else is the matter with it.
bool BrokerLink::is_news(const std::string& server, const std::string& why) {
    facts_.last_refusal = server + ": " + why;
    return std::exchange(told_[server], why) != why;
}

bool BrokerLink::is_one_of_ours(const std::string& server) const {
    return std::find(servers_.begin(), servers_.end(), server) != servers_.end();
}

// Why it failed is told when the connection is another thread's already.
void BrokerLink::check() {
    if (!connection_) return;
    if (connection_->has_failed()) {
        const auto why = connection_->failure();
        return lose(why);
    }
    if (!broker_.objection().empty()) return refuse();
    if (broker_.is_admitted() && facts_.server.empty()) note_connection();
    if (broker_.is_jetstream_heard() && std::exchange(is_hanging_, false)) note_use();
}

void BrokerLink::note_connection() {
    facts_.server = connection_->server();
    ++facts_.connections;
    if (!is_hanging_) note_use();
}

void BrokerLink::note_use() {
    facts_.last_refusal.clear();
    told_.clear();
    owner_.log(LogLevel::info, "connected to the broker " + facts_.server);
}

// Whoever stands in the way may go: it is tried again, but not at once.
void BrokerLink::refuse() {
    const auto why = broker_.objection();
    is_hanging_ = false;
    if (is_news(connection_->server(), why)) owner_.log(LogLevel::error, why);
    dialler_.end(std::move(connection_));
    facts_.server.clear();
    facts_.denial.clear();
    broker_.on_disconnected(why);
    dialler_.dial(BrokerDialler::longest_pause);
}

}  // namespace twincached::replication::nats
