#include "app/logins/cyrus_sasl.hpp"

#include "app/logins/login_threads.hpp"
#include "app/process/privileges.hpp"
#include "app/process/throttled_note.hpp"

#include <fmt/format.h>
#include <sasl/sasl.h>
#include <unistd.h>

#include <array>
#include <chrono>
#include <cstdlib>
#include <cstring>
#include <mutex>
#include <utility>

namespace twincached::app {
namespace {

using protocol::Admission;
using protocol::SaslVerdict;

constexpr auto application = "memcached";

// The library calls back without saying for which judge, from any thread, and there is one a
// process: what it says goes to the log of that one for as long as he lives.
struct Surroundings {
    std::string folders;
    char* folders_told = nullptr;
    std::mutex mutex;
    Log* log = nullptr;
    ThrottledNote note;
};

// Never destroyed: a thread that hangs in the library may come back to it.
Surroundings& surroundings() {
    static auto* const all = new Surroundings;
    return *all;
}

storage::Tick steady_seconds() noexcept {
    const auto now = std::chrono::steady_clock::now().time_since_epoch();
    return static_cast<storage::Tick>(std::chrono::floor<std::chrono::seconds>(now).count());
}

void complain(const char* message) noexcept {
    auto& all = surroundings();
    const std::lock_guard lock(all.mutex);
    if (all.log == nullptr) return;
    if (const auto left_out = all.note.due(steady_seconds())) {
        all.log->warning("Cyrus SASL: {} ({} more lines since the last such)", message, *left_out);
    }
}

int write_log(void*, int level, const char* message) noexcept {
    if (level == SASL_LOG_ERR && message != nullptr) complain(message);
    return SASL_OK;
}

// What is no client's fault, such as a saslauthd that does not run.
bool is_trouble(int result) noexcept {
    return result == SASL_FAIL || result == SASL_NOMEM || result == SASL_UNAVAIL ||
           result == SASL_TRYAGAIN;
}

// The library's manual says that it frees the path, and it does not: so it is left to it, and is
// remembered as the process's, once.
int tell_folders(void*, char** path) noexcept {
    *path = surroundings().folders_told = ::strdup(surroundings().folders.c_str());
    return *path != nullptr ? SASL_OK : SASL_NOMEM;
}

// As the library keeps functions of any kind.
using Callback = int (*)();
template <class Function>
Callback callback(Function function) noexcept {
    return reinterpret_cast<Callback>(reinterpret_cast<void (*)()>(function));
}

// Without these the library takes no locks.
void* make_mutex() {
    return new (std::nothrow) std::mutex;
}
int lock_mutex(void* mutex) {
    static_cast<std::mutex*>(mutex)->lock();
    return SASL_OK;
}
int unlock_mutex(void* mutex) {
    static_cast<std::mutex*>(mutex)->unlock();
    return SASL_OK;
}
void free_mutex(void* mutex) {
    delete static_cast<std::mutex*>(mutex);
}

struct Dispose {
    void operator()(sasl_conn_t* connection) const noexcept { sasl_dispose(&connection); }
};
using Connection = std::unique_ptr<sasl_conn_t, Dispose>;

// Null: there is no memory, or no mechanism. Passwords without a realm belong to this machine.
Connection begin_connection() noexcept {
    std::array<char, 1025> name{};
    const bool has_name = ::gethostname(name.data(), name.size() - 1) == 0 && name[0] != '\0';
    sasl_conn_t* connection = nullptr;
    const int result = sasl_server_new(application, has_name ? name.data() : nullptr, nullptr,
                                       nullptr, nullptr, nullptr, 0, &connection);
    return Connection(result == SASL_OK ? connection : nullptr);
}

// One attempt. Its client's thread and one that judges share it.
class Attempt {
  public:
    explicit Attempt(protocol::Waker& waker) noexcept : waker_(&waker) {}

    // The client's thread.
    void take(std::string_view mechanism, std::string_view message) {
        mechanism_ = mechanism;
        message_ = message;
    }
    std::optional<SaslVerdict> take_verdict() noexcept {
        const std::lock_guard lock(mutex_);
        return std::exchange(verdict_, std::nullopt);
    }
    void abandon() noexcept {
        const std::lock_guard lock(mutex_);
        waker_ = nullptr;
    }

    // A thread that judges.
    void judge() noexcept {
        if (is_abandoned()) return;
        auto verdict = ask_library();
        const std::lock_guard lock(mutex_);
        verdict_ = std::move(verdict);
        if (waker_ != nullptr) waker_->wake();
    }

  private:
    bool is_abandoned() noexcept {
        const std::lock_guard lock(mutex_);
        return waker_ == nullptr;
    }
    SaslVerdict ask_library() noexcept {
        const char* answer = nullptr;
        unsigned length = 0;
        const int result = run(&answer, &length);
        if (is_trouble(result) && connection_) complain(sasl_errdetail(connection_.get()));
        switch (result) {
            case SASL_OK:
                return {Admission::granted, {}};
            case SASL_CONTINUE: {
                SaslVerdict verdict{Admission::go_on, {}};
                const bool fits = lib::has_memory_for([&] {
                    if (answer != nullptr) verdict.challenge.assign(answer, length);
                });
                return fits ? std::move(verdict) : SaslVerdict{};
            }
            default:
                return {};
        }
    }
    int run(const char** answer, unsigned* length) noexcept {
        const auto* bytes = message_.empty() ? nullptr : message_.data();
        const auto size = static_cast<unsigned>(message_.size());
        if (connection_) {
            return sasl_server_step(connection_.get(), bytes, size, answer, length);
        }
        connection_ = begin_connection();
        if (!connection_) return SASL_FAIL;
        return sasl_server_start(connection_.get(), mechanism_.c_str(), bytes, size, answer,
                                 length);
    }

    // Written by the client's thread before this is judged, and not again before the verdict.
    std::string mechanism_;
    std::string message_;
    Connection connection_;  // of a thread that judges; null: this is the first message

    std::mutex mutex_;
    protocol::Waker* waker_;  // null: the client has gone
    std::optional<SaslVerdict> verdict_;
};

class Talk final : public protocol::SaslTalk {
  public:
    Talk(LoginThreads& threads, protocol::Waker& waker)
        : threads_(threads), attempt_(std::make_shared<Attempt>(waker)) {}
    ~Talk() override { attempt_->abandon(); }
    Talk(const Talk&) = delete;
    Talk& operator=(const Talk&) = delete;

    bool ask(std::string_view mechanism, std::string_view message) override {
        attempt_->take(mechanism, message);
        return threads_.add([attempt = attempt_] { attempt->judge(); });
    }
    std::optional<SaslVerdict> take_verdict() noexcept override { return attempt_->take_verdict(); }

  private:
    LoginThreads& threads_;
    const std::shared_ptr<Attempt> attempt_;
};

class CyrusSasl final : public protocol::SaslJudge {
  public:
    CyrusSasl(std::string mechanisms, Log& log) : mechanisms_(std::move(mechanisms)) {
        const std::lock_guard lock(surroundings().mutex);
        surroundings().log = &log;
    }
    ~CyrusSasl() override {
        const std::lock_guard lock(surroundings().mutex);
        surroundings().log = nullptr;
    }
    CyrusSasl(const CyrusSasl&) = delete;
    CyrusSasl& operator=(const CyrusSasl&) = delete;

    std::string_view mechanisms() const noexcept override { return mechanisms_; }
    std::unique_ptr<protocol::SaslTalk> begin(protocol::Waker& waker) override {
        return std::make_unique<Talk>(threads_, waker);
    }

  private:
    const std::string mechanisms_;
    LoginThreads threads_;
};

// As clients would be told now.
std::string list_mechanisms() {
    const auto connection = begin_connection();
    const char* names = nullptr;
    if (!connection || sasl_listmech(connection.get(), nullptr, "", " ", "", &names, nullptr,
                                     nullptr) != SASL_OK) {
        return {};
    }
    return names;
}

}  // namespace

std::unique_ptr<protocol::SaslJudge> cyrus_sasl(const std::string& folders, Log& log) {
    surroundings().folders = folders;
    static const sasl_callback_t callbacks[] = {
        {SASL_CB_LOG, callback(write_log), nullptr},
        {SASL_CB_GETCONFPATH, callback(tell_folders), nullptr},
        {SASL_CB_LIST_END, nullptr, nullptr},
    };
    sasl_set_mutex(make_mutex, lock_mutex, unlock_mutex, free_mutex);
    const int result = sasl_server_init(callbacks, application);
    if (result != SASL_OK) {
        throw StartError{fmt::format("-S: Cyrus SASL cannot be used with the memcached.conf of {}: "
                                     "{}",
                                     folders, sasl_errstring(result, nullptr, nullptr)),
                         exit_system};
    }
    auto mechanisms = list_mechanisms();
    if (mechanisms.empty()) {
        throw StartError{fmt::format("-S: Cyrus SASL has no mechanism that the memcached.conf of "
                                     "{} allows: is libsasl2-modules installed?",
                                     folders),
                         exit_system};
    }
    log.info("logins (-S) are judged by Cyrus SASL, as the memcached.conf of {} says: {}", folders,
             mechanisms);
    return std::make_unique<CyrusSasl>(std::move(mechanisms), log);
}

}  // namespace twincached::app
