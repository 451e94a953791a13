#include "replication/pair/driver/name_resolver.hpp"

#include "lib/allocation.hpp"

#include <pthread.h>
#include <signal.h>

#include <future>
#include <new>
#include <optional>
#include <system_error>
#include <thread>
#include <utility>

namespace twincached::replication::pair {
namespace {

lib::Parsed<Addresses> failed(std::string why) {
    return lib::Parsed<Addresses>(boost::system::in_place_error, std::move(why));
}

}  // namespace

NameResolver::NameResolver(std::string host, Lookup lookup, Told told)
    : question_(std::make_shared<Question>()) {
    question_->host = std::move(host);
    question_->lookup = std::move(lookup);
    const lib::MutexLock lock(question_->mutex);
    question_->told = std::move(told);
}

NameResolver::~NameResolver() {
    const lib::MutexLock lock(question_->mutex);
    question_->told = nullptr;
}

// A lookup may take as long as the system likes and cannot be called off: it has a thread to
// itself, which outlives whoever asked, and one question is under way at a time.
void NameResolver::ask() {
    {
        const lib::MutexLock lock(question_->mutex);
        if (std::exchange(question_->is_asked, true)) return;
    }
    // Signals are the business of the app's thread.
    sigset_t all;
    sigset_t before;
    sigfillset(&all);
    pthread_sigmask(SIG_SETMASK, &all, &before);
    try {
        std::thread([question = question_] {
            pthread_setname_np(pthread_self(), "resolver");
            answer(*question);
        }).detach();
    } catch (const std::system_error& error) {
        const lib::MutexLock lock(question_->mutex);
        question_->is_asked = false;
        question_->told(failed(error.code().message()));
    } catch (const std::bad_alloc&) {
        const lib::MutexLock lock(question_->mutex);
        question_->is_asked = false;
    }
    pthread_sigmask(SIG_SETMASK, &before, nullptr);
}

void NameResolver::answer(Question& question) noexcept {
    std::optional<lib::Parsed<Addresses>> found;
    (void)lib::has_memory_for([&] { found = question.lookup(question.host); });
    const lib::MutexLock lock(question.mutex);
    question.is_asked = false;
    if (!found || !question.told) return;
    try {  // here, where clang sees that the lock is held
        question.told(std::move(*found));
    } catch (const std::bad_alloc&) {
        return;  // the dial that waits for it ends by its deadline, and the next one asks again
    }
}

// None if it takes longer, or fails: the caller has something else to go by.
Addresses found_within(std::chrono::milliseconds limit, const std::string& host,
                       const NameResolver::Lookup& lookup) {
    std::promise<Addresses> answer;
    auto future = answer.get_future();
    NameResolver resolver(host, lookup, [&answer](const lib::Parsed<Addresses>& found) {
        answer.set_value(found.has_error() ? Addresses() : *found);
    });
    resolver.ask();
    const bool is_there = future.wait_for(limit) == std::future_status::ready;
    return is_there ? future.get() : Addresses();
}

}  // namespace twincached::replication::pair
