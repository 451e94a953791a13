#include "replication/nats/driver/nats_connection.hpp"

#include "lib/input/text_file.hpp"
#include "lib/numbers.hpp"

#include <algorithm>
#include <chrono>
#include <limits>
#include <utility>

namespace twincached::replication::nats {
namespace {

constexpr std::chrono::milliseconds connect_patience{1000};
constexpr int io_buffer_bytes = 256 << 10;
constexpr std::string_view jwt_words = "BEGIN NATS USER JWT";

void on_message(natsConnection*, natsSubscription*, natsMsg* message, void* carried) {
    OwnedMessage owned(message);
    const auto listener = Listening::find(carried);
    if (!listener) return;
    listener->intake->push({listener->connection, listener->channel, std::move(owned), {}});
}

// libnats tells the line of its own source first: "(conn.c:733): SSL handshake error".
std::string_view without_place(std::string_view text) noexcept {
    const auto end = text.find("): ");
    return text.starts_with('(') && end != std::string_view::npos ? text.substr(end + 3) : text;
}

std::string reason_of(natsConnection* connection) {
    const char* text = nullptr;
    const auto status = natsConnection_GetLastError(connection, &text);
    const std::string_view words = text == nullptr ? "" : without_place(text);
    if (!words.empty()) return std::string(words);
    return status == NATS_OK ? "the broker closed it" : natsStatus_GetText(status);
}

void on_closed(natsConnection* connection, void* carried) {
    const auto listener = Listening::find(carried);
    if (!listener) return;
    listener->intake->push({listener->connection, 0, nullptr, reason_of(connection)});
}

std::string sentence(natsStatus status) {
    natsStatus same = NATS_OK;
    const char* text = nats_GetLastError(&same);
    const bool has_words = text != nullptr && *text != '\0' && same == status;
    return std::string(without_place(has_words ? text : natsStatus_GetText(status)));
}

// libnats would tell slow consumers and the like on stderr; the gap tells it here. What is denied
// it tells in the words of this thread, none of which are written meanwhile.
void on_error(natsConnection*, natsSubscription*, natsStatus status, void* carried) {
    if (status != NATS_NOT_PERMITTED) return;
    if (const auto listener = Listening::find(carried)) listener->denial->note(sentence(status));
}

// With TLS 1.3 a server that is not content with the node's certificate hangs up when the node
// believes itself inside, and so does one that breaks down: nobody says which.
std::string why_not(natsStatus status, const BrokerAccess& access, bool has_tls) {
    auto why = sentence(status);
    const bool has_hung_up = why.find("Expected 'PONG', got ''") != std::string::npos ||
                             why.starts_with("SSL_write error") ||
                             why.starts_with("SSL_read error");
    if (!has_hung_up) return why;
    why = "it hung up while this node logged in";
    if (!has_tls) return why;
    return why + (access.tls_certificate.empty() ? ": it may want a certificate (tls-certificate)"
                                                 : ": it may not trust tls-certificate");
}

struct OptionsDeleter {
    void operator()(natsOptions* options) const noexcept { natsOptions_Destroy(options); }
};
using Options = std::unique_ptr<natsOptions, OptionsDeleter>;

// Sets one after the other, and remembers the first that libnats refuses.
class Setting {
  public:
    void operator()(natsStatus status, std::string_view what) {
        if (status != NATS_OK && failure_.empty())
            failure_ = std::string(what) + ": " + sentence(status);
    }
    void fail(std::string why) {
        if (failure_.empty()) failure_ = std::move(why);
    }
    const std::string& failure() const noexcept { return failure_; }

  private:
    std::string failure_;
};

// A secret alone in its file, without the line's end.
std::string first_line(Setting& setting, const std::string& path) {
    auto content = lib::read_text_file(path);
    if (content.has_error()) {
        setting.fail(path + ": " + content.error());
        return {};
    }
    auto line = content->substr(0, content->find_first_of("\r\n"));
    if (line.empty()) setting.fail(path + ": its first line is empty");
    return line;
}

void set_login(Setting& setting, natsOptions* options, const BrokerAccess& access) {
    if (!access.token_file.empty()) {
        const auto token = first_line(setting, access.token_file);
        return setting(natsOptions_SetToken(options, token.c_str()), "token-file");
    }
    if (!access.credentials.empty()) {
        const auto content = lib::read_text_file(access.credentials);
        if (content.has_error()) {
            return setting.fail(access.credentials + ": " + content.error());
        }
        const auto* file = access.credentials.c_str();
        const bool has_jwt = content->find(jwt_words) != std::string::npos;
        return setting(has_jwt ? natsOptions_SetUserCredentialsFromFiles(options, file, nullptr)
                               : natsOptions_SetNKeyFromSeed(options, access.user.c_str(), file),
                       "credentials");
    }
    if (access.user.empty()) return;
    const auto password = first_line(setting, access.password_file);
    setting(natsOptions_SetUserInfo(options, access.user.c_str(), password.c_str()), "user");
}

// Whom to trust holds for a server, too, that insists on TLS with a node that does not.
void set_tls(Setting& setting, natsOptions* options, const BrokerAccess& access, bool has_tls) {
    if (has_tls) setting(natsOptions_SetSecure(options, true), "tls");
    if (!access.tls_ca.empty()) {
        setting(natsOptions_LoadCATrustedCertificates(options, access.tls_ca.c_str()), "tls-ca");
    }
    if (!access.tls_certificate.empty()) {
        setting(natsOptions_LoadCertificatesChain(options, access.tls_certificate.c_str(),
                                                  access.tls_key.c_str()),
                "tls-certificate");
    }
    if (!access.tls_name.empty()) {
        setting(natsOptions_SetExpectedHostname(options, access.tls_name.c_str()), "tls-peer-name");
    }
}

void set_habits(Setting& setting, natsOptions* options, const BrokerAccess& access) {
    // Silent since one beat, and a second one unanswered: that is `silence`.
    const auto beat = std::max<std::int64_t>(access.silence.count() / 2, 1);
    setting(natsOptions_SetName(options, access.name.c_str()), "name");
    setting(natsOptions_SetTimeout(options, connect_patience.count()), "timeout");
    setting(natsOptions_SetAllowReconnect(options, false), "reconnect");
    setting(natsOptions_SetIgnoreDiscoveredServers(options, true), "servers");
    setting(natsOptions_SetNoEcho(options, true), "echo");
    setting(natsOptions_SetSendAsap(options, true), "sending");
    setting(natsOptions_SetIOBufSize(options, io_buffer_bytes), "buffer");
    setting(natsOptions_SetPingInterval(options, beat), "ping");
    setting(natsOptions_SetMaxPingsOut(options, 1), "ping");
    setting(natsOptions_SetWriteDeadline(options, access.silence.count()), "deadline");
    setting(natsOptions_UseGlobalMessageDelivery(options, true), "delivery");
}

const char* header(natsMsg& message, const char* name) noexcept {
    const char* value = nullptr;
    return natsMsgHeader_Get(&message, name, &value) == NATS_OK && value != nullptr ? value : "";
}

}  // namespace

lib::Parsed<std::unique_ptr<NatsConnection>> NatsConnection::open(const BrokerAccess& access,
                                                                  const std::string& server,
                                                                  std::shared_ptr<Intake> intake,
                                                                  std::uint64_t number) {
    natsOptions* made = nullptr;
    if (natsOptions_Create(&made) != NATS_OK) return std::string("libnats has no memory");
    const Options options(made);
    Setting setting;
    set_habits(setting, made, access);
    set_login(setting, made, access);
    const bool has_tls = wants_tls(access, server);
    set_tls(setting, made, access, has_tls);
    setting(natsOptions_SetURL(made, server.c_str()), "servers");
    const auto denial = std::make_shared<Denial>();
    Listening listening({intake, number, 0, denial});
    setting(natsOptions_SetErrorHandler(made, on_error, listening.carried()), "errors");
    setting(natsOptions_SetClosedCB(made, on_closed, listening.carried()), "end");
    if (!setting.failure().empty()) return setting.failure();
    natsConnection* connection = nullptr;
    const auto status = natsConnection_Connect(&connection, made);
    if (status != NATS_OK) return why_not(status, access, has_tls);
    return std::unique_ptr<NatsConnection>(new NatsConnection(
        connection, server, std::move(intake), denial, number, std::move(listening)));
}

NatsConnection::NatsConnection(natsConnection* connection, std::string server,
                               std::shared_ptr<Intake> intake, std::shared_ptr<const Denial> denial,
                               std::uint64_t number, Listening listening)
    : connection_(connection),
      server_(std::move(server)),
      intake_(std::move(intake)),
      denial_(std::move(denial)),
      number_(number),
      listening_(std::move(listening)) {}

NatsConnection::~NatsConnection() {
    natsConnection_Close(connection_);
    subscriptions_.clear();
    ended_.clear();
    natsConnection_Destroy(connection_);
}

bool NatsConnection::publish(const std::string& subject, const std::string& reply,
                             std::string_view payload) {
    if (payload.size() > static_cast<std::size_t>(std::numeric_limits<int>::max())) return false;
    const auto length = static_cast<int>(payload.size());
    return is_well(
        reply.empty() ? natsConnection_Publish(connection_, subject.c_str(), payload.data(), length)
                      : natsConnection_PublishRequest(connection_, subject.c_str(), reply.c_str(),
                                                      payload.data(), length));
}

bool NatsConnection::subscribe(Channel channel, const std::string& subject,
                               const std::string& queue) {
    Listening listening({intake_, number_, channel});
    auto* const carried = listening.carried();
    natsSubscription* made = nullptr;
    const auto status =
        queue.empty()
            ? natsConnection_Subscribe(&made, connection_, subject.c_str(), on_message, carried)
            : natsConnection_QueueSubscribe(&made, connection_, subject.c_str(), queue.c_str(),
                                            on_message, carried);
    if (!is_well(status)) return false;
    Subscribed subscribed{std::move(listening), Subscription(made)};
    (void)natsSubscription_SetPendingLimits(made, pending_messages_limit, pending_bytes_limit);
    subscriptions_.insert_or_assign(channel, std::move(subscribed));
    return true;
}

// The library's reading thread may still be about to put a message into it: until 3.5 libnats does
// not hold on to it meanwhile (nats.c, issue 637). One that has ended takes none, but must be
// there.
void NatsConnection::unsubscribe(Channel channel) {
    auto ended = subscriptions_.extract(channel);
    if (ended.empty()) return;
    auto& subscription = ended.mapped().subscription;
    (void)natsSubscription_Unsubscribe(subscription.get());
    ended_.push_back(std::move(subscription));
    if (ended_.size() > ended_most) ended_.pop_front();
}

std::size_t NatsConnection::max_payload() const noexcept {
    return static_cast<std::size_t>(
        std::max<std::int64_t>(natsConnection_GetMaxPayload(connection_), 0));
}

bool NatsConnection::is_well(natsStatus status) {
    if (status == NATS_OK) return true;
    if (failure_.empty()) failure_ = natsStatus_GetText(status);
    return false;
}

// libnats takes the broker's status line apart when it is first asked for a header.
WireMessage message_of(Channel channel, natsMsg& message) {
    const auto text = [](const char* words) {
        return words == nullptr ? std::string_view() : std::string_view(words);
    };
    WireMessage read;
    read.channel = channel;
    read.subject = text(natsMsg_GetSubject(&message));
    read.reply = text(natsMsg_GetReply(&message));
    const auto length = std::max(natsMsg_GetDataLength(&message), 0);
    if (length > 0) read.payload = {natsMsg_GetData(&message), static_cast<std::size_t>(length)};
    if (length > 0) return read;  // what the broker itself says has no content
    const auto status = lib::parse_number<int>(header(message, "Status"));
    if (!status) return read;
    read.status = *status;
    read.last_consumed = header(message, "Nats-Last-Consumer");
    read.stalled = header(message, "Nats-Consumer-Stalled");
    return read;
}

}  // namespace twincached::replication::nats
